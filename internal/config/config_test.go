package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEmptyFileIsTheDefault(t *testing.T) {
	c, err := LoadFile("testdata/good/empty.yml")
	require.NoError(t, err)
	require.Equal(t, Default(), c)
	require.NoError(t, c.Validate())
}

func TestFull(t *testing.T) {
	c, err := LoadFile("testdata/good/full.yml")
	require.NoError(t, err)
	require.Equal(t, "prometheus.example.org", c.Prometheus.URL.Host)
	require.Equal(t, 30*time.Second, time.Duration(c.Trend.Base))
	require.Equal(t, "testdata/good/secrets/prometheus", c.Prometheus.HTTPClientConfig.BasicAuth.PasswordFile, "relative to the file")
	require.Equal(t, "/debug/pprof/", c.Targets[1].Path)
	require.Equal(t, "Bearer", c.Alerting.Alertmanagers[0].HTTPClientConfig.Authorization.Type)
	require.Equal(t, "testdata/good/secrets/am", c.Alerting.Alertmanagers[0].HTTPClientConfig.Authorization.CredentialsFile)
	require.True(t, c.Alerting.Webhooks[1].SendResolved, "as by default")
	require.Equal(t, "testdata/good/secrets/hook", c.Alerting.Webhooks[1].URLFile)
	require.Equal(t, "testdata/good/secrets/inbound", c.Alerting.Inbound.CredentialsFile)
	require.True(t, c.Alerting.Images.Enabled)
	require.Equal(t, "testdata/good/secrets/pictures", c.Alerting.Images.KeyFile)
	require.True(t, c.Targets[0].HTTPClientConfig.EnableHTTP2, "the HTTP client has its defaults")
	require.Len(t, c.Targets[2].ServiceDiscovery, 2)
	require.Equal(t, &file.SDConfig{Files: []string{"testdata/good/targets/*.yml"}, RefreshInterval: model.Duration(time.Minute)}, c.Targets[2].ServiceDiscovery[0], "relative to the file")
	require.Len(t, c.Targets[3].ServiceDiscovery, 3)
	require.True(t, c.Targets[3].PodAnnotations)
	require.Equal(t, 20_000, c.Targets[2].TargetLimit)
	require.Zero(t, c.Targets[3].TargetLimit)
}

func TestShownConfigurationHidesSecretsAndLoadsAgain(t *testing.T) {
	c, err := LoadFile("testdata/good/full.yml")
	require.NoError(t, err)
	text := c.String()
	require.NotContains(t, text, "hunter2")
	require.Contains(t, text, "<secret>")
	// A secret that has to be an address is no longer valid.
	text = strings.ReplaceAll(text, "url: <secret>", "url: http://chat")
	again, err := Load([]byte(text))
	require.NoError(t, err, text)
	require.Equal(t, c.Global, again.Global)
	require.Equal(t, c.Targets[3].Match, again.Targets[3].Match)
	require.Len(t, again.Targets[2].ServiceDiscovery, 2)
	require.Len(t, again.Targets[2].RelabelConfigs, 1)
	require.Equal(t, c.Profiles, again.Profiles)
}

// Labels that distinguish services, versions or targets are no replica labels.
func TestReplicaLabels(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                           {"prometheus_replica", "replica", "__replica__"},
		"prometheus: {replica_labels: [ruler]}":      {"ruler"},
		"prometheus: {replica_labels: []}":           {},
		"services: {group_by: [job, replica]}":       {"prometheus_replica", "__replica__"},
		"services: {version_label: __replica__}":     {"prometheus_replica", "replica"},
		`targets: [{matchers: ['replica="0"']}]`:     {"prometheus_replica", "__replica__"},
		"targets: [{matchers: ['a=\"b\",c=\"d\"']}]": {"prometheus_replica", "replica", "__replica__"},
		"targets: [{file_sd_configs: [{files: [a.yml]}], match: [replica]}]": {"prometheus_replica", "__replica__"},
	} {
		c, err := Load([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, c.ReplicaLabels(), text)
		again, err := Load([]byte(c.String()))
		require.NoError(t, err)
		require.Equal(t, want, again.ReplicaLabels(), "as it is shown")
	}
}

// Each file in testdata/bad begins with the expected errors, one for each of its mistakes.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			var want []string
			for line := range strings.Lines(string(text)) {
				w, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "# want: ")
				if !ok {
					break
				}
				want = append(want, w)
			}
			require.NotEmpty(t, want)
			_, err = LoadFile(file)
			require.EqualError(t, err, "configuration "+file+": "+strings.Join(want, "\n"))
			require.NotContains(t, err.Error(), "hunter2")
			require.NotRegexp(t, `!!|\bconfig\.|\bunits?:|\[\]string|\bint\b`, err.Error(), "no types of Go")
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, err := Load([]byte("global: {evaluation_interval: 1ms}\ntrend: {base: 2h}\n"))
	require.ErrorContains(t, err, "global.evaluation_interval")
	require.ErrorContains(t, err, "trend.base")
}

func TestHugeFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "huge.yml")
	require.NoError(t, os.WriteFile(file, make([]byte, maxSize+1), 0o600))
	_, err := LoadFile(file)
	require.ErrorContains(t, err, "expected a YAML file")
}

// Any invalid file gives an error with a text.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.yml")
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Add("prometheus: &a {basic_auth: *a, timeout: *a}")
	f.Add("targets: &a [*a, *a, *a]\ntrend: {base: x}")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := Load([]byte(text)); err != nil {
			require.NotEmpty(t, err.Error())
		}
	})
}
