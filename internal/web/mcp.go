package web

import (
	"net/http"

	"github.com/prometheus/common/version"

	"github.com/gorowatch/gorowatch/internal/mcp"
)

// mcpPath is the path for agents.
const mcpPath = "/mcp"

// withMCP answers agents, if enabled, and passes all other requests to next.
func (h *Handler) withMCP(next http.Handler, measure func(name string, next http.HandlerFunc) http.Handler) (http.Handler, error) {
	if !h.o.MCP {
		return next, nil
	}
	// next answers the requests of agents, so they see what the pages show.
	agents, err := mcp.Handler(next, h.o.ExternalURL, version.Version, h.o.Logger)
	if err != nil {
		return nil, err
	}
	measured := measure(mcpPath, agents.ServeHTTP)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == mcpPath {
			measured.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}
