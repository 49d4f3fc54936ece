package app

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Instances under other names are watched. Pages and log say that their labels do not fit the
// services.
func TestOpenTelemetryWithoutConfiguration(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("go_goroutine_count{otel_scope_name=\"runtime\"} 7\n"))
	}))
	t.Cleanup(srv.Close)
	file := write(t, filepath.Join(t.TempDir(), "gorowatch.yml"), "global: {evaluation_interval: 100ms}\ntrend: {base: 100ms}\nstorage: {url: 'mem://'}\n"+
		"targets: [{static: ['"+srv.Listener.Addr().String()+"'], labels: {service_name: cart, service_namespace: shop}}]\n")
	r := start(t, Options{ConfigFile: file})
	page := r.eventually("/status", "1 instance by go_goroutine_count")
	require.Contains(t, page, "1 instance without", "neither load nor start")
	r.eventually("/", "they have service_name: set services.group_by: [service_namespace, service_name]")
	require.Equal(t, 1, r.logged("The labels of services.group_by do not separate the services"))
	_, answer := r.get("/api/v1/status")
	require.Contains(t, answer, `{"signal":"goroutines","metric":"go_goroutine_count","instances":1}`)
}
