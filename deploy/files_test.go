package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v2"

	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/test/e2e"
)

// Rules and dashboards use existing metrics, by docs/metrics.md, which another test compares
// with the program.
func TestMixinKnowsTheMetrics(t *testing.T) {
	page, err := os.ReadFile("../docs/metrics.md")
	require.NoError(t, err)
	var files []string
	for _, pattern := range []string{"../grafana/dashboards/*.json", "../grafana/rules/*.yaml", "../docs/*.md", "../docs/runbooks/*.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		files = append(files, found...)
	}
	metric := regexp.MustCompile(`\bgorowatch_[a-z_]+[a-z]`)
	recorded := regexp.MustCompile(`\w+:gorowatch_\w+:\w+`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, name := range metric.FindAllString(recorded.ReplaceAllString(string(text), ""), -1) {
			name = strings.TrimSuffix(name, "_bucket")
			if strings.HasSuffix(name, "_leak") {
				continue // gorowatch_leak_*
			}
			require.Contains(t, string(page), "| `"+name+"` |", "%s: %s", file, name)
		}
	}
}

// The example configurations are valid.
func TestConfigurations(t *testing.T) {
	for _, file := range []string{"systemd/gorowatch.yml", "compose/gorowatch.yml"} {
		_, err := config.LoadFile(file)
		require.NoError(t, err)
	}
	out, err := exec.Command(e2e.Tool(t, "prometheus", "promtool"), "check", "config", "compose/prometheus.yml").CombinedOutput()
	require.NoError(t, err, string(out))
	out, err = exec.Command(e2e.Tool(t, "alertmanager", "amtool"), "check-config", "compose/alertmanager.yml").CombinedOutput()
	require.NoError(t, err, string(out))
}

// The compose file is valid by the library of docker compose, and strictly by the schema of the
// specification. The files that it mounts exist, and gorowatch has the flags.
// TestComposeQuickStart of test/e2e runs it.
func TestCompose(t *testing.T) {
	reader := e2e.Tool(t, "compose", "compose")
	out, err := exec.Command(reader, "compose/compose.yaml").CombinedOutput()
	require.NoError(t, err, string(out))
	text, err := os.ReadFile("compose/compose.yaml")
	require.NoError(t, err)
	bad := filepath.Join(t.TempDir(), "compose.yaml")
	require.NoError(t, os.WriteFile(bad, bytes.Replace(text, []byte("read_only:"), []byte("readonly:"), 1), 0o600))
	out, err = exec.Command(reader, bad).CombinedOutput()
	require.Error(t, err, "a typo would be seen")
	require.Contains(t, string(out), "readonly")

	var compose struct {
		Name     string
		Services map[string]struct {
			Image, Build string
			Command      []string
			Ports        []string
			Volumes      []string
			Rest         map[string]any `yaml:",inline"`
		}
		Volumes map[string]any
	}
	decode(t, "compose/compose.yaml", &compose)
	known := flags(t)
	for name, s := range compose.Services {
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if strings.HasPrefix(from, ".") {
				_, err := os.Stat(filepath.Join("compose", from))
				require.NoError(t, err, name)
			} else {
				require.Contains(t, compose.Volumes, from, name)
			}
		}
		for _, p := range s.Ports {
			require.True(t, strings.HasPrefix(p, "127.0.0.1:"), "%s: %s is open to the network", name, p)
		}
	}
	own := compose.Services["gorowatch"]
	_, err = os.Stat(filepath.Join("compose", own.Build, "Dockerfile"))
	require.NoError(t, err)
	require.Equal(t, "serve", own.Command[0])
	for _, arg := range own.Command[1:] {
		flag, _, _ := strings.Cut(arg, "=")
		require.Contains(t, known, flag)
	}
}

// The unit starts gorowatch with existing flags; systemd, if there is one, understands it, and
// has few objections. TestUnit of test/e2e runs its command.
func TestUnit(t *testing.T) {
	const unit = "systemd/gorowatch.service"
	text, err := os.ReadFile(unit)
	require.NoError(t, err)
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/gorowatch serve (.*)$`).FindStringSubmatch(string(text))
	require.NotNil(t, start)
	known := flags(t)
	for _, arg := range strings.Fields(start[1]) {
		flag, _, _ := strings.Cut(arg, "=")
		require.Contains(t, known, flag)
	}
	for _, line := range []string{"DynamicUser=yes", "CapabilityBoundingSet=", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "StateDirectory=gorowatch"} {
		require.Contains(t, string(text), "\n"+line+"\n")
	}
	require.NotContains(t, string(text), "ReadWritePaths", "it writes to its folder alone")
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd is not here: the unit is not verified")
		return
	}
	// gorowatch is not installed here.
	installed := filepath.Join(t.TempDir(), "gorowatch.service")
	require.NoError(t, os.WriteFile(installed, bytes.ReplaceAll(text, []byte("/usr/bin/gorowatch "), []byte("/bin/true ")), 0o600))
	out, _ := exec.Command(analyze, "verify", installed).CombinedOutput()
	require.NotContains(t, string(out), "gorowatch", "what it says of this machine's own units is none of our business")
	// An exposure of 2 out of 10 at most; it is 1.6.
	out, err = exec.Command(analyze, "security", "--offline=true", "--no-pager", "--threshold=20", unit).CombinedOutput()
	require.NoError(t, err, string(out))
}

// The files of a release are in the repository. make release-check runs goreleaser's own check.
func TestReleaseFiles(t *testing.T) {
	var release struct {
		Builds   []struct{ Main string }
		Archives []struct{ Files []any }
		Nfpms    []struct{ Contents []struct{ Src string } }
	}
	text, err := os.ReadFile("../.goreleaser.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &release))
	var files []string
	for _, b := range release.Builds {
		files = append(files, b.Main)
	}
	for _, a := range release.Archives {
		for _, f := range a.Files {
			if m, ok := f.(map[any]any); ok {
				f = m["src"]
			}
			files = append(files, f.(string))
		}
	}
	for _, n := range release.Nfpms {
		for _, c := range n.Contents {
			files = append(files, c.Src)
		}
	}
	require.NotEmpty(t, files)
	for _, f := range files {
		if strings.HasPrefix(f, "dist-extra/") {
			continue // made by the hook before the build
		}
		_, err := os.Stat(filepath.Join("..", f))
		require.NoError(t, err)
	}
	for _, image := range []string{"../Dockerfile", "../.ko.yaml", "../.goreleaser.yaml"} {
		text, err := os.ReadFile(image)
		require.NoError(t, err)
		require.Contains(t, string(text), "gcr.io/distroless/static-debian12:nonroot", image)
		require.Contains(t, string(text), "./cmd/gorowatch", image)
		require.Contains(t, string(text), "CGO_ENABLED=0", image)
		if image != "../.ko.yaml" { // ko takes labels only on its command line
			for _, label := range []string{"title", "description", "url", "source", "documentation", "licenses", "vendor", "version", "revision"} {
				require.Contains(t, string(text), "org.opencontainers.image."+label, image)
			}
		}
	}
	version, err := exec.Command("go", "list", "-m", "-f", "{{.GoVersion}}").Output()
	require.NoError(t, err)
	minor := regexp.MustCompile(`^\d+\.\d+`).FindString(string(version))
	text, err = os.ReadFile("../Dockerfile")
	require.NoError(t, err)
	require.Contains(t, string(text), "golang:"+minor+" ")
}
