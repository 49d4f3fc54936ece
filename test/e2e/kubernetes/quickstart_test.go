//go:build linux

package kubernetes

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/test/e2e"
)

const repository = "../../.."

// block matches a fenced block of a page: its language, and its content.
var block = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

// shell runs commands as people type them: in the repository, with the tools in their path and
// the cluster in their environment.
type shell struct{ env []string }

func newShell(t *testing.T, k *e2e.Kubernetes) shell {
	path := filepath.Dir(e2e.Tool(t, "helm", "helm")) + ":" + filepath.Dir(e2e.Tool(t, "kubectl", "kubectl")) + ":" + os.Getenv("PATH")
	home := t.TempDir()
	return shell{append(os.Environ(), "PATH="+path, "HOME="+home, "KUBECONFIG="+k.Kubeconfig)}
}

func (s shell) run(t *testing.T, line string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begin := time.Now()
	cmd := exec.CommandContext(ctx, "bash", "-c", line)
	cmd.Dir, cmd.Env = repository, s.env
	out, err := cmd.CombinedOutput()
	t.Logf("%s: %s", line, time.Since(begin).Round(100*time.Millisecond))
	return string(out), err
}

// Every command and every example of the quick start, in its order, on a real API server: the
// first part with Helm on one cluster, the last without it on another.
func TestQuickStart(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(repository, "docs", "quickstart-kubernetes.md"))
	require.NoError(t, err)
	withHelm, without, found := strings.Cut(string(page), "\n## Without Helm\n")
	require.True(t, found)

	t.Run("with Helm", func(t *testing.T) {
		k := e2e.StartKubernetes(t)
		installCRDs(t, k)
		for _, name := range []string{"shop", "payments"} { // whose pods an example reads
			createNamespace(t, k, name)
		}
		s := newShell(t, k)
		installed, values := false, 0
		for _, b := range block.FindAllStringSubmatch(withHelm, -1) {
			switch b[1] {
			case "sh":
				for line := range strings.Lines(strings.ReplaceAll(b[2], "\\\n", "")) {
					line = strings.TrimSpace(line)
					switch {
					case strings.HasPrefix(line, "git clone "), line == "cd gorowatch": // we are there
					case strings.HasPrefix(line, "helm install "):
						out, err := s.run(t, line)
						require.NoError(t, err, out)
						require.Contains(t, out, "is installed in monitoring")
						installed = true
					case strings.Contains(line, " port-forward "):
						// The pod that a controller would make exists, but there is no kubelet
						// to forward ports: it is found by the name and the port of the page.
						runPodOfChart(t, k)
						out, err := s.run(t, line)
						require.Error(t, err)
						require.Contains(t, out, "pod gorowatch-0 does not have a host assigned", line)
					default:
						t.Fatalf("what is %q?", line)
					}
				}
			case "yaml values":
				require.True(t, installed)
				values++
				file := filepath.Join(t.TempDir(), "values.yaml")
				require.NoError(t, os.WriteFile(file, []byte(b[2]), 0o600))
				out, err := s.run(t, "set -o pipefail; helm template gorowatch deploy/helm/gorowatch --namespace monitoring --set prometheus.url=http://prometheus:9090 -f "+file+
					" | kubectl apply --server-side --force-conflicts --dry-run=server -f -")
				require.NoError(t, err, "%s\n%s", b[2], out)
			case "yaml kubernetes":
				patch := filepath.Join(t.TempDir(), "patch.yaml")
				require.NoError(t, os.WriteFile(patch, []byte(b[2]), 0o600))
				out, err := s.run(t, "kubectl -n monitoring patch pod gorowatch-0 --patch-file "+patch)
				require.NoError(t, err, out)
			default:
				t.Fatalf("what is a block of %q?", b[1])
			}
		}
		require.Positive(t, values)
	})

	t.Run("without Helm", func(t *testing.T) {
		k := e2e.StartKubernetes(t)
		s := newShell(t, k)
		for _, b := range block.FindAllStringSubmatch(without, -1) {
			require.Equal(t, "sh", b[1])
			for line := range strings.Lines(b[2]) {
				out, err := s.run(t, strings.TrimSpace(line))
				require.NoError(t, err, out)
			}
		}
		out, err := s.run(t, "kubectl -n monitoring get statefulset gorowatch -o name")
		require.NoError(t, err, out)
		require.Equal(t, "statefulset.apps/gorowatch\n", out)
	})
}

// runPodOfChart makes the first pod of the StatefulSet, in place of its controller.
func runPodOfChart(t *testing.T, k *e2e.Kubernetes) {
	var set struct {
		Spec struct {
			Template struct {
				Metadata struct{ Labels map[string]string }
			}
		}
	}
	k.Get(t, fmt.Sprintf(endpoints["StatefulSet"], "monitoring")+"/gorowatch", &set)
	labels := "labels:"
	for name, value := range set.Spec.Template.Metadata.Labels {
		labels += fmt.Sprintf("\n  %s: %q", name, value)
	}
	k.RunPod(t, "monitoring", "gorowatch-0", labels, "containers: [{name: gorowatch, image: gorowatch, ports: [{name: http, containerPort: 10980}]}]")
}
