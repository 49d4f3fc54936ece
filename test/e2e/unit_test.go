//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The quick start on a host, without its systemd: in a root folder with the files that the page
// installs, where it says, the unit's command runs as a user that may only write to the unit's
// state. The file is checked as the page says, and reloaded as the unit does. Only the
// addresses and the pace differ.
func TestUnit(t *testing.T) {
	t.Parallel()
	built(t, buildGorowatch, "gorowatch")
	text, err := os.ReadFile(filepath.Join(repository(), "deploy", "systemd", "gorowatch.service"))
	require.NoError(t, err)
	setting := func(name string) string {
		t.Helper()
		m := regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindStringSubmatch(string(text))
		require.NotNil(t, m, name)
		return m[1]
	}
	require.Equal(t, "yes", setting("DynamicUser"))
	require.Equal(t, "/bin/kill -HUP $MAINPID", setting("ExecReload"))
	command := strings.Fields(setting("ExecStart"))
	state := "/var/lib/" + setting("StateDirectory")

	const config = "/etc/gorowatch/gorowatch.yml"
	require.Contains(t, command, "--config.file="+config)
	file, err := os.ReadFile(filepath.Join(repository(), "deploy", "systemd", "gorowatch.yml"))
	require.NoError(t, err)
	service := StartScenario(t, leaks[0].name, "")
	prometheus := StartPrometheus(t, job("prod", "checkout", service.Address))
	alertmanager := StartAlertmanager(t, StartReceiver(t))
	installed := strings.NewReplacer("http://localhost:9090", prometheus.URL, "localhost:9093", alertmanager.Address).Replace(string(file))
	require.Contains(t, installed, "file://"+state)

	checked := filepath.Join(t.TempDir(), "gorowatch.yml")
	write(t, checked, installed)
	out, err := exec.Command(built(t, buildGorowatch, "gorowatch"), "check-config", checked).CombinedOutput()
	require.NoError(t, err, string(out))

	Eventually(t, startTime, "the service is scraped", func() error {
		if prometheus.Value(t, `go_goroutines`) == 0 {
			return errNotYet
		}
		return nil
	})
	g, root := startIn(t, command[0], map[string]string{config: installed + "global: {evaluation_interval: 1s}\n"}, []string{state}, nil,
		append(command[1:], "--web.listen-address=127.0.0.1:0")...)
	g.WaitReady(t)
	Eventually(t, startTime, "the service is watched", func() error {
		var answer struct{ Data struct{ Services []struct{} } }
		getJSON(t, g.URL+"/api/v1/services", &answer)
		if len(answer.Data.Services) != 1 {
			return errNotYet
		}
		return nil
	})
	Eventually(t, startTime, "its state is written", func() error {
		entries, err := os.ReadDir(filepath.Join(root, state))
		if err == nil && len(entries) == 0 {
			err = errNotYet
		}
		return err
	})

	const reloaded = "gorowatch_config_last_reload_success_timestamp_seconds"
	before := g.Metric(t, reloaded)
	write(t, filepath.Join(root, config), installed+"global: {evaluation_interval: 1s, external_labels: {cluster: eu}}\n")
	require.NoError(t, syscall.Kill(g.PID(), syscall.SIGHUP))
	Eventually(t, startTime, "the file is read again", func() error {
		if g.Metric(t, reloaded) == before {
			return errNotYet
		}
		return nil
	})
	require.Equal(t, 1.0, g.Metric(t, "gorowatch_config_last_reload_successful"))
	g.Stop(t)
}
