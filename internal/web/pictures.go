package web

import (
	"net/http"
	"strings"
)

// picturePath is the name of pictures in metrics.
const picturePath = "/leaks/{id}.png"

// withPictures answers requests for pictures, and passes all others to next. Pictures are
// answered under every host name: their signature is checked first, and no website has one.
func (h *Handler) withPictures(next http.Handler, measure func(name string, next http.HandlerFunc) http.Handler) http.Handler {
	if h.o.Pictures == nil {
		return next
	}
	measured := measure(picturePath, h.o.Pictures.ServeHTTP)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/leaks/") && strings.HasSuffix(r.URL.Path, ".png") {
			measured.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
