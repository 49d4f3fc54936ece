// Package docs tests the pages: links, files and configurations.
package docs

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	// Configurations may use the service discovery that main links.
	_ "github.com/prometheus/prometheus/discovery/consul"
	_ "github.com/prometheus/prometheus/discovery/dns"
	_ "github.com/prometheus/prometheus/discovery/file"
	_ "github.com/prometheus/prometheus/discovery/http"
	_ "github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v2"

	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/test/e2e"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// published is where people read the repository.
const published = "https://github.com/gorowatch/gorowatch/blob/main/"

// root is the repository.
const root = ".."

// pages returns all Markdown files, by their path in the repository.
func pages(t *testing.T) map[string]string {
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		found[filepath.ToSlash(name)] = string(text)
		return err
	}))
	require.Contains(t, found, "README.md")
	return found
}

var (
	fence   = regexp.MustCompile("(?ms)^( *)```([^\n]*)\n(.*?)^ *```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+?) *$`)
)

// Every link leads to an existing file and heading.
func TestLinks(t *testing.T) {
	all := pages(t)
	for name, text := range all {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if ours, ok := strings.CutPrefix(target, published); ok {
				target = "/" + ours
			} else if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				// Tests have no network, so only the form is checked.
				u, err := url.Parse(target)
				if err != nil || u.Scheme != "https" || !strings.Contains(u.Hostname(), ".") {
					t.Errorf("%s: %s: expected https://host/path (%v)", name, target, err)
				}
				continue
			}
			path := name
			switch {
			case strings.HasPrefix(target, "/"):
				path = strings.TrimPrefix(target, "/")
			case target != "":
				path = filepath.ToSlash(filepath.Join(filepath.Dir(name), target))
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s: %s: %v", name, m[1], err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(all[path]), anchor) {
				t.Errorf("%s: %s: no such heading; there are %s", name, m[1], strings.Join(anchors(all[path]), ", "))
			}
		}
	}
}

// anchors returns GitHub's anchors of the headings of a page.
func anchors(text string) (out []string) {
	drop := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		out = append(out, strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return out
}

// Every page can be reached from README.md.
func TestPagesAreFound(t *testing.T) {
	all := pages(t)
	reached := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if reached[name] {
			return
		}
		reached[name] = true
		for _, m := range link.FindAllStringSubmatch(all[name], -1) {
			target, _, _ := strings.Cut(strings.TrimPrefix(m[1], published), "#")
			path := filepath.ToSlash(filepath.Join(filepath.Dir(name), target))
			if _, page := all[path]; page {
				visit(path)
			}
			// A folder shows its README, or its pages.
			for other := range all {
				if filepath.Dir(other) == path {
					visit(other)
				}
			}
		}
	}
	visit("README.md")
	for name := range all {
		if strings.HasPrefix(name, "docs/") && !reached[name] {
			t.Errorf("%s: no link leads there from README.md", name)
		}
	}
}

// A block of YAML is a configuration of gorowatch, unless the word after yaml names another
// kind.
func TestConfigurations(t *testing.T) {
	for name, text := range pages(t) {
		for i, m := range fence.FindAllStringSubmatch(text, -1) {
			kind, ok := strings.CutPrefix(m[2], "yaml")
			if !ok {
				continue
			}
			block := strings.ReplaceAll("\n"+m[3], "\n"+m[1], "\n")
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "block.yml")
				require.NoError(t, os.WriteFile(file, []byte(block), 0o600))
				var run *exec.Cmd
				switch strings.TrimSpace(kind) {
				case "":
					_, err := config.LoadFile(file)
					require.NoError(t, err, block)
					return
				case "values":
					run = exec.Command(e2e.Tool(t, "helm", "helm"), "template", "x", filepath.Join(root, "deploy/helm/gorowatch"), "-f", file)
				case "prometheus":
					run = exec.Command(e2e.Tool(t, "prometheus", "promtool"), "check", "config", "--syntax-only", file)
				case "rules":
					run = exec.Command(e2e.Tool(t, "prometheus", "promtool"), "check", "rules", file)
				case "alertmanager":
					run = exec.Command(e2e.Tool(t, "alertmanager", "amtool"), "check-config", file)
				case "kubernetes", "part":
					var tree any
					require.NoError(t, yaml.Unmarshal([]byte(block), &tree))
					return
				default:
					t.Fatalf("%q is no kind of YAML that is known here", m[2])
				}
				out, err := run.CombinedOutput()
				require.NoError(t, err, "%s\n%s", block, out)
			})
		}
	}
}

// Commands on the pages use existing files, targets of make and values of the chart.
// cmd/gorowatch tests those of gorowatch itself.
func TestCommands(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	inRepository := func(t *testing.T, words []string) {
		for _, w := range words {
			if _, path, ok := strings.Cut(w, "="); ok {
				w = path
			}
			if strings.HasPrefix(w, "deploy/") || strings.HasPrefix(w, "./cmd") || strings.HasPrefix(w, "grafana/") || strings.HasPrefix(w, "test/") {
				_, err := os.Stat(filepath.Join(root, w))
				require.NoError(t, err)
			}
		}
	}
	for name, text := range pages(t) {
		for _, line := range Commands(text) {
			words := strings.Fields(line)
			t.Run(name+"/"+words[0], func(t *testing.T) {
				inRepository(t, words)
				switch words[0] {
				case "gorowatch", "./gorowatch", "dist/demo": // TestCommandsOfThePages in cmd/gorowatch
				case "make":
					for _, target := range words[1:] {
						if !strings.HasPrefix(target, "-") && !strings.Contains(target, "=") {
							require.Regexp(t, `(?m)^`+regexp.QuoteMeta(target)+`:`, string(makefile), line)
						}
					}
				case "helm":
					// The same values, in a dry run.
					args := []string{"template", "x", filepath.Join(root, "deploy/helm/gorowatch")}
					for i, w := range words {
						if w == "--set" {
							args = append(args, w, strings.Trim(words[i+1], `'"`))
						}
					}
					out, err := exec.Command(e2e.Tool(t, "helm", "helm"), args...).CombinedOutput()
					require.NoError(t, err, "%s\n%s", line, out)
				case "kubectl": // TestQuickStart in test/e2e/kubernetes runs them
					require.Equal(t, "docs/quickstart-kubernetes.md", name, line)
				case "docker": // TestComposeQuickStart in test/e2e does the same
					require.Equal(t, "docker compose -f deploy/compose/compose.yaml up --build", line)
				case "sudo", "systemctl", "journalctl": // TestUnit in test/e2e
					onHost(t, line)
				case "curl":
					checkRequest(t, line)
				case "openssl": // the key that docs/receivers/pictures.md makes
					require.Regexp(t, `^openssl rand -base64 (3[2-9]|[4-9]\d) > /`, line)
				case "git":
					require.Equal(t, "git clone "+strings.TrimSuffix(published, "/blob/main/"), line)
				case "cd":
					if words[1] != "gorowatch" {
						require.DirExists(t, filepath.Join(root, words[1]))
					}
				case "go":
					goCommand(t, words)
				case "jq", "./server": // they read the output before them
				case "eval": // testdata/script/help.txtar in cmd/gorowatch
					require.Regexp(t, `^eval "\$\(gorowatch --completion-script-(bash|zsh)\)"$`, line)
				default:
					t.Fatalf("%s: what is %s? Add it to this test", line, words[0])
				}
			})
		}
	}
}

// onHost checks commands on a host: files are where the unit expects them, and the unit has the
// name that it is installed under.
func onHost(t *testing.T, line string) {
	unit, err := os.ReadFile(filepath.Join(root, "deploy/systemd/gorowatch.service"))
	require.NoError(t, err)
	words := strings.Fields(strings.TrimPrefix(line, "sudo "))
	last := words[len(words)-1]
	switch {
	case words[0] == "install" && words[1] == "-d":
		require.Contains(t, string(unit), last+"/", line)
	case words[0] == "install" && strings.HasSuffix(last, ".service"):
		require.Equal(t, "/etc/systemd/system/gorowatch.service", last)
	case words[0] == "install":
		require.Contains(t, string(unit), last, line)
	case words[0] == "systemctl" && last == "daemon-reload":
	default:
		require.Equal(t, "gorowatch", last, line)
	}
}

// checkRequest checks that a requested address is served: docs/openapi.yaml has all of the API.
// Profiles are the target's own.
func checkRequest(t *testing.T, line string) {
	m := regexp.MustCompile(`https?://[^/\s']+(/[^\s'?]*)`).FindStringSubmatch(line)
	require.NotNil(t, m, line)
	api, err := os.ReadFile(filepath.Join(root, "docs/openapi.yaml"))
	require.NoError(t, err)
	if m[1] != "/-/ready" && !strings.HasPrefix(m[1], "/debug/pprof/") {
		path := regexp.MustCompile(`/[0-9a-f]{12}\b`).ReplaceAllString(m[1], "/{id}")
		require.Contains(t, string(api), "\n  "+path+":\n", line)
	}
}

// goCommand checks that a program that is built or run is in the repository.
func goCommand(t *testing.T, words []string) {
	require.GreaterOrEqual(t, len(words), 3)
	switch words[1] {
	case "tool":
		require.Equal(t, "pprof", words[2])
	case "build":
		require.FileExists(t, filepath.Join(root, words[2], "main.go"))
	case "run": // of grafana, whose tests run it with a configuration
		require.Equal(t, ".", words[2])
		text, err := os.ReadFile(filepath.Join(root, "grafana/main.go"))
		require.NoError(t, err)
		for _, w := range words[3:] {
			flag, _, _ := strings.Cut(strings.TrimLeft(w, "-"), "=")
			require.Contains(t, string(text), `"`+flag+`"`)
		}
	default:
		t.Fatalf("what is go %s?", words[1])
	}
}

// Commands returns the lines that a reader should type: those in blocks of a shell's language.
func Commands(text string) (lines []string) {
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		if m[2] != "sh" && m[2] != "console" {
			continue
		}
		joined := strings.ReplaceAll(m[3], "\\\n", " ")
		for _, line := range strings.Split(joined, "\n") {
			line, _, _ = strings.Cut(line, " #")
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "#") {
				lines = append(lines, line)
			}
		}
	}
	return lines
}
