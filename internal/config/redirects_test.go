package config

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/discovery"
	sdhttp "github.com/prometheus/prometheus/discovery/http"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/stretchr/testify/require"
)

// Service discovery over HTTP does not follow a redirect with credentials; without credentials
// it does.
func TestDiscoveryTakesNoCredentialsElsewhere(t *testing.T) {
	var arrived []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived = append(arrived, r.Header.Get("Authorization")+r.Header.Get("X-Key"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("[]"))
	}))
	defer other.Close()
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer first.Close()
	for login, want := range map[string]string{
		"":                                       "",
		"authorization: {credentials: hunter2},": "307",
		"basic_auth: {username: me, password: hunter2},":  "307",
		"http_headers: {X-Key: {secrets: [hunter2]}},":    "307",
		"bearer_token: hunter2,":                          "307",
		"follow_redirects: true, bearer_token: hunter2, ": "307",
	} {
		for _, where := range []string{
			"targets: [{http_sd_configs: [{" + login + " url: " + first.URL + "}]}]",
			"alerting: {alertmanagers: [{http_sd_configs: [{" + login + " url: " + first.URL + "}]}]}",
		} {
			arrived = nil
			c, err := Load([]byte(where))
			require.NoError(t, err, where)
			var found discovery.Configs
			if len(c.Targets) > 0 {
				found = c.Targets[0].ServiceDiscovery
			} else {
				found = c.Alerting.Alertmanagers[0].ServiceDiscovery
			}
			err = discover(t, found[0].(*sdhttp.SDConfig))
			if want == "" {
				require.NoError(t, err, where)
				require.Equal(t, []string{""}, arrived)
				continue
			}
			require.ErrorContains(t, err, want, where)
			require.Empty(t, arrived, where)
		}
	}
}

// discover asks once.
func discover(t *testing.T, c *sdhttp.SDConfig) error {
	t.Helper()
	reg := prom.NewRegistry()
	metrics := c.NewDiscovererMetrics(reg, discovery.NewRefreshMetrics(reg))
	d, err := c.NewDiscoverer(discovery.DiscovererOptions{Logger: promslog.NewNopLogger(), Metrics: metrics, SetName: "x"})
	require.NoError(t, err)
	_, err = d.(interface {
		Refresh(context.Context) ([]*targetgroup.Group, error)
	}).Refresh(t.Context())
	http.DefaultClient.CloseIdleConnections()
	return err
}
