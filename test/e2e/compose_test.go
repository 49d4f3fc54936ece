//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// project is a compose file as docker compose understands it.
type project struct {
	Services map[string]struct {
		Command []string
		Volumes []struct{ Type, Source, Target string }
	}
}

// The quick start with compose, without its engine: the file is read by docker compose's
// library. Its three programs run with the arguments from it, or from their images, on the
// files that it mounts. Only the addresses differ, because all share one network here, and the
// pace. A service that is added to prometheus.yml as the page says is watched.
func TestComposeQuickStart(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(repository(), "deploy", "compose")
	out, err := exec.Command(tool(t, "compose", "compose"), filepath.Join(folder, "compose.yaml")).Output()
	require.NoError(t, err, "%s", out)
	var p project
	require.NoError(t, json.Unmarshal(out, &p))
	require.Len(t, p.Services, 3)

	built(t, buildGorowatch, "gorowatch") // before anything waits for it
	service := StartScenario(t, leaks[0].name, "")
	own := freeAddress(t)
	prometheus, alertmanager := "", ""
	// mounted returns the file that a service finds at a path.
	mounted := func(name, path string) string {
		for _, v := range p.Services[name].Volumes {
			if v.Target == path {
				text, err := os.ReadFile(v.Source)
				require.NoError(t, err)
				return strings.NewReplacer(
					"gorowatch:10980", own, "prometheus:9090", prometheus, "alertmanager:9093", alertmanager,
					"  # - job_name: checkout", "  - job_name: checkout",
					`  #   static_configs: [{targets: ["host.docker.internal:8080"]}]`, fmt.Sprintf(`    static_configs: [{targets: [%q]}]`, service.Address),
				).Replace(string(text))
			}
		}
		t.Fatalf("%s: nothing is mounted at %s", name, path)
		return ""
	}

	require.Empty(t, p.Services["alertmanager"].Command, "it runs as the image does")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "alertmanager.yml"), mounted("alertmanager", "/etc/alertmanager/alertmanager.yml"))
	_, alertmanager = startOnFreePort(t, "alertmanager", tool(t, "alertmanager", "alertmanager"), func(addr string) []string {
		return []string{"--config.file=" + filepath.Join(dir, "alertmanager.yml"), "--storage.path=" + filepath.Join(dir, "am"), "--web.listen-address=" + addr, "--cluster.listen-address="}
	}, func(addr string) error { return answers("http://" + addr + "/-/ready") })

	require.Empty(t, p.Services["prometheus"].Command, "it runs as the image does")
	write(t, filepath.Join(dir, "prometheus.yml"), mounted("prometheus", "/etc/prometheus/prometheus.yml"))
	server, prometheus := startOnFreePort(t, "prometheus", tool(t, "prometheus", "prometheus"), func(addr string) []string {
		return []string{"--config.file=" + filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + addr}
	}, func(addr string) error { return answers("http://" + addr + "/-/ready") })
	prom := &Prometheus{Program: server, URL: "http://" + prometheus}
	Eventually(t, startTime, "the service is scraped", func() error {
		if prom.Value(t, `up{job="checkout"}`) != 1 {
			return errNotYet
		}
		return nil
	})

	const config = "/etc/gorowatch/gorowatch.yml"
	g, _ := StartImage(t, map[string]string{config: mounted("gorowatch", config) + "global: {evaluation_interval: 1s}\n"}, []string{"/var/lib/gorowatch"}, nil,
		append(p.Services["gorowatch"].Command, "--web.listen-address="+own)...)
	g.WaitReady(t)
	Eventually(t, startTime, "the service is watched, and gorowatch is scraped", func() error {
		var answer struct {
			Data struct {
				Services []struct{ Labels map[string]string }
			}
		}
		getJSON(t, g.URL+"/api/v1/services", &answer)
		watched := map[string]bool{}
		for _, s := range answer.Data.Services {
			watched[s.Labels["job"]] = true
		}
		if scraped := prom.Value(t, `up{job="gorowatch"}`); !watched["checkout"] || scraped != 1 {
			return fmt.Errorf("watched: %v, scraped: %v", watched, scraped)
		}
		return nil
	})
	var status struct {
		Data struct {
			Notices       []string
			Alertmanagers []struct{ URL string }
			Storage       struct{ URL, Error string }
		}
	}
	getJSON(t, g.URL+"/api/v1/status", &status)
	require.Empty(t, status.Data.Notices)
	require.Empty(t, status.Data.Storage.Error)
	require.Equal(t, "file:///var/lib/gorowatch", status.Data.Storage.URL)
	require.Len(t, status.Data.Alertmanagers, 1)
	require.Contains(t, status.Data.Alertmanagers[0].URL, alertmanager)
}
