package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v2"

	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/test/e2e"
)

var update = flag.Bool("update", false, "rewrite what is rendered from the chart")

const (
	chart     = "helm/gorowatch"
	manifests = "kubernetes/gorowatch.yaml"
)

// The whole output of the chart: testdata/golden/NAME.yaml for testdata/values/NAME.yaml, and
// the notes of the installation beside it.
func TestChartRenders(t *testing.T) {
	files, err := filepath.Glob("testdata/values/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, values := range files {
		name := strings.TrimSuffix(filepath.Base(values), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, filepath.Join("testdata/golden", name+".yaml"), render(t, "monitoring", "-f", values))
			// Helm only shows the notes with a cluster.
			notes := render(t, "monitoring", "-f", values, "-s", "templates/extra.yaml", "--set-json",
				`extraObjects=["notes: |\n{{ include \"gorowatch.notes\" . | indent 2 }}"]`)
			golden(t, filepath.Join("testdata/golden", name+".notes.txt"), objects(t, notes)[0]["notes"].(string))
		})
	}
}

// A dashboard is a page of JSON. It has its own test, and is left out of the golden files.
func TestChartHasTheDashboards(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(chart, "files/dashboards/*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	maps := ofKind(objects(t, helm(t, "template", "gorowatch", chart, "-n", "monitoring", "--set", "dashboards.enabled=true")), "ConfigMap")
	require.Len(t, maps, len(files))
	for _, file := range files {
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		found := false
		for _, m := range maps {
			require.Equal(t, "1", dig(t, m, "metadata", "labels", "grafana_dashboard"))
			if got, ok := dig(t, m, "data").(map[any]any)[filepath.Base(file)]; ok {
				require.JSONEq(t, string(want), got.(string))
				found = true
			}
		}
		require.True(t, found, "no ConfigMap has %s", file)
	}
}

func TestChartRefuses(t *testing.T) {
	for values, want := range map[string]string{
		"shrads=2":                              "additional properties 'shrads' not allowed",
		"shards=0":                              "minimum",
		"storage.bucket=/var/lib":               "does not match pattern",
		"prometheus.url=prometheus:9090":        "does not match pattern",
		"image.digest=latest":                   "does not match pattern",
		"logLevel=verbose":                      "value must be one of",
		"serviceMonitor.interval=often":         "does not match pattern",
		"alertmanagers[0]=alertmanager:9093":    "does not match pattern",
		"persistence.accessModes[0]=ReadTwice":  "value must be one of",
		"allowedHosts[0]=https://a.example.org": "does not match pattern",
		"podDisruptionBudget.minAvailable=1":    "additional properties 'minAvailable' not allowed",
		"probes.readiness.failureThreshold=few": "got string, want integer",
	} {
		t.Run(values, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command(e2e.Tool(t, "helm", "helm"), "template", "gorowatch", chart, "--set", values).CombinedOutput()
			require.Error(t, err)
			require.Contains(t, string(out), want)
		})
	}
}

// Replicas must not write to the same places of a bucket.
func TestReplicasShareNoFolderOfABucket(t *testing.T) {
	for bucket, second := range map[string]string{
		"gs://leaks":                     "gs://leaks?prefix=replica-1/",
		"s3://leaks?region=a":            "s3://leaks?region=a&prefix=replica-1/",
		"s3://leaks?prefix=x/&region=a":  "s3://leaks?prefix=x/replica-1/&region=a",
		"file:///mnt/leaks?no_tmp_dir=1": "file:///mnt/leaks?no_tmp_dir=1&prefix=replica-1/",
	} {
		t.Run(bucket, func(t *testing.T) {
			t.Parallel()
			text := render(t, "gorowatch", "--set", "replicas=2", "--set", "storage.bucket="+bucket)
			require.Equal(t, 1, strings.Count(text, "--storage.url="))
			require.Contains(t, text, "- --storage.url="+second+"\n")
		})
	}
}

// Requests are answered under the names of the values and of the ingress, each once; with
// shards every pod has its own name.
func TestChartAllowsItsHosts(t *testing.T) {
	for values, want := range map[string]string{
		"": "",
		`{"allowedHosts": ["a.example.org", "*.b.example.org"]}`:                                                                  "a.example.org,*.b.example.org",
		`{"allowedHosts": ["a.example.org"], "ingress": {"enabled": true, "hosts": ["a.example.org", "c-$(SHARD).example.org"]}}`: "a.example.org,c-0.example.org",
		`{"allowedHosts": ["a.example.org"], "ingress": {"enabled": true, "hosts": ["c-$(SHARD).example.org"]}, "shards": 2}`:     "a.example.org,c-$(SHARD).example.org",
		`{"ingress": {"hosts": ["c.example.org"]}}`:                                                                               "",
	} {
		t.Run(values, func(t *testing.T) {
			t.Parallel()
			// Helm splits -f at commas, which the folder of a test of this name has.
			file, err := os.CreateTemp("", "values-*.json")
			require.NoError(t, err)
			t.Cleanup(func() { _ = os.Remove(file.Name()) })
			_, err = file.WriteString(values)
			require.NoError(t, errors.Join(err, file.Close()))
			text := render(t, "monitoring", "-f", file.Name())
			if want == "" {
				require.NotContains(t, text, "--web.allowed-hosts")
				return
			}
			require.Equal(t, 1, strings.Count(text, "- --web.allowed-hosts="+want+"\n"))
		})
	}
}

// Every value has a line in the schema and the other way round, at all levels.
func TestSchemaHasTheValues(t *testing.T) {
	var values map[string]any
	decode(t, filepath.Join(chart, "values.yaml"), &values)
	var schema map[string]any
	raw, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &schema))
	properties := schema["properties"].(map[string]any)
	delete(properties, "global") // which Helm passes on from a parent chart
	sameKeys(t, "", properties, values)
}

func sameKeys(t *testing.T, path string, properties, values map[string]any) {
	require.Equal(t, slices.Sorted(maps.Keys(properties)), slices.Sorted(maps.Keys(values)), "keys of %q", path)
	for name, p := range properties {
		if inner, ok := p.(map[string]any)["properties"].(map[string]any); ok {
			if value, ok := values[name].(map[any]any); ok && path+name != "probes" && path+name != "config" {
				sameKeys(t, path+name+".", inner, stringKeys(value))
			}
		}
	}
}

// gorowatch starts with the output of the chart: the flags exist and the configuration is
// valid.
func TestChartStartsGorowatch(t *testing.T) {
	known := flags(t)
	for _, file := range append(goldenFiles(t), manifests) {
		all := documents(t, file)
		for _, set := range ofKind(all, "StatefulSet") {
			container := dig(t, set, "spec", "template", "spec", "containers").([]any)[0].(map[any]any)
			for _, arg := range container["args"].([]any)[1:] {
				name, _, _ := strings.Cut(arg.(string), "=")
				require.Contains(t, known, name, "%s: %s", file, arg)
			}
		}
		for _, secret := range ofKind(all, "Secret") {
			text := dig(t, secret, "stringData", "gorowatch.yml").(string)
			path := filepath.Join(t.TempDir(), "gorowatch.yml")
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			_, err := config.LoadFile(path)
			require.NoError(t, err, "%s:\n%s", file, text)
		}
	}
}

// flags returns those of serve, from docs/cli.md, which another test compares with the program.
func flags(t *testing.T) []string {
	page, err := os.ReadFile("../docs/cli.md")
	require.NoError(t, err)
	_, global, _ := strings.Cut(string(page), "\n## Every command\n")
	global, serve, _ := strings.Cut(global, "\n## `serve`\n")
	serve, _, _ = strings.Cut(serve, "\n## ")
	global, _, _ = strings.Cut(global, "\n## ")
	found := regexp.MustCompile(`--[a-z][a-z0-9.-]*`).FindAllString(global+serve, -1)
	require.Contains(t, found, "--config.file")
	return found
}

// The manifests without Helm equal those of the chart.
func TestManifestsAreTheCharts(t *testing.T) {
	text := render(t, "monitoring", "-f", "kubernetes/values.yaml")
	text = regexp.MustCompile(`(?m)^ +(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*\n`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`(?m)^# Source: .*\n`).ReplaceAllString(text, "")
	golden(t, manifests, "# Rendered from ../helm/gorowatch with values.yaml. Do not edit.\n"+text)

	out, err := exec.Command(e2e.Tool(t, "helm", "kustomize"), "build", "kubernetes").CombinedOutput()
	require.NoError(t, err, string(out))
	require.ElementsMatch(t, names(documents(t, manifests)), names(objects(t, string(out))))
}

// The output is valid for the oldest and the newest tested Kubernetes, without unknown fields.
func TestManifestsAreValid(t *testing.T) {
	schemas, err := filepath.Glob(filepath.Join(filepath.Dir(e2e.Tool(t, "schemas", "crds")), "v*"))
	require.NoError(t, err)
	require.Len(t, schemas, 2)
	files := append(goldenFiles(t), manifests)
	for _, schema := range schemas {
		args := []string{"-strict", "-summary", "-schema-location", schema + "/{{ .ResourceKind }}{{ .KindSuffix }}.json"}
		out, err := exec.Command(e2e.Tool(t, "helm", "kubeconform"), append(args, files...)...).CombinedOutput()
		require.NoError(t, err, "%s: %s", filepath.Base(schema), out)
		require.Contains(t, string(out), "Invalid: 0, Errors: 0, Skipped: 0")
	}
	// A typo would be found.
	text, err := os.ReadFile(manifests)
	require.NoError(t, err)
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, bytes.Replace(text, []byte("readOnlyRootFilesystem"), []byte("readOnlyRootFileSystem"), 1), 0o600))
	out, err := exec.Command(e2e.Tool(t, "helm", "kubeconform"), "-strict", "-schema-location", schemas[0]+"/{{ .ResourceKind }}{{ .KindSuffix }}.json", bad).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "readOnlyRootFileSystem")
}

// The requirements of the cluster's "restricted" pod security standard, and a little more.
func TestPodsAreRestricted(t *testing.T) {
	for _, file := range append(goldenFiles(t), manifests) {
		for _, set := range ofKind(documents(t, file), "StatefulSet") {
			pod := dig(t, set, "spec", "template", "spec").(map[any]any)
			require.Equal(t, true, dig(t, pod, "securityContext", "runAsNonRoot"), file)
			require.Equal(t, 65532, dig(t, pod, "securityContext", "runAsUser"), file)
			require.Equal(t, "RuntimeDefault", dig(t, pod, "securityContext", "seccompProfile", "type"), file)
			container := pod["containers"].([]any)[0].(map[any]any)
			require.Equal(t, false, dig(t, container, "securityContext", "allowPrivilegeEscalation"), file)
			require.Equal(t, true, dig(t, container, "securityContext", "readOnlyRootFilesystem"), file)
			require.Equal(t, []any{"ALL"}, dig(t, container, "securityContext", "capabilities", "drop"), file)
		}
	}
}

// By default the chart only asks for the right to read pods, in the cluster, in chosen
// namespaces, or nowhere; full.yaml has other options.
func TestRightsInTheCluster(t *testing.T) {
	pods := []any{map[any]any{"apiGroups": []any{""}, "resources": []any{"pods"}, "verbs": []any{"get", "list", "watch"}}}
	roles := func(file string) (all []map[any]any) {
		objects := documents(t, file)
		return append(ofKind(objects, "ClusterRole"), ofKind(objects, "Role")...)
	}
	for file, want := range map[string]int{manifests: 1, "testdata/golden/default.yaml": 1, "testdata/golden/shards.yaml": 1, "testdata/golden/namespaced.yaml": 2, "testdata/golden/existing.yaml": 0} {
		found := roles(file)
		require.Len(t, found, want, file)
		for _, role := range found {
			require.Equal(t, pods, dig(t, role, "rules"), file)
		}
	}
	require.Empty(t, ofKind(documents(t, "testdata/golden/namespaced.yaml"), "ClusterRole"))
	for _, set := range ofKind(documents(t, "testdata/golden/existing.yaml"), "StatefulSet") {
		require.Equal(t, false, dig(t, set, "spec", "template", "spec", "automountServiceAccountToken"))
	}
}

// The NetworkPolicy only opens the port of the pages.
func TestNetworkPolicyHasOnePort(t *testing.T) {
	for _, file := range []string{manifests, "testdata/golden/default.yaml", "testdata/golden/full.yaml", "testdata/golden/shards.yaml"} {
		policies := ofKind(documents(t, file), "NetworkPolicy")
		require.Len(t, policies, 1, file)
		require.ElementsMatch(t, []any{"Ingress", "Egress"}, dig(t, policies[0], "spec", "policyTypes"), file)
		in := dig(t, policies[0], "spec", "ingress").([]any)
		require.Len(t, in, 1, file)
		require.Equal(t, []any{map[any]any{"port": "http", "protocol": "TCP"}}, dig(t, in[0].(map[any]any), "ports"), file)
	}
}

// TestPicturePort: the port of pictures is in the Service and open to everybody; the port of
// the pages stays limited to the peers in the policy.
func TestPicturePort(t *testing.T) {
	const file = "testdata/golden/pictures.yaml"
	policy := ofKind(documents(t, file), "NetworkPolicy")[0]
	in := dig(t, policy, "spec", "ingress").([]any)
	require.Len(t, in, 2)
	require.Equal(t, map[any]any{"ports": []any{map[any]any{"port": "pictures", "protocol": "TCP"}}}, in[1])
	set := ofKind(documents(t, file), "StatefulSet")[0]
	container := dig(t, set, "spec", "template", "spec", "containers").([]any)[0].(map[any]any)
	require.Contains(t, container["args"], "--web.images-listen-address=:10981")
	require.Contains(t, container["ports"], map[any]any{"name": "pictures", "containerPort": 10981, "protocol": "TCP"})
	service := ofKind(documents(t, file), "Service")[0]
	require.Contains(t, dig(t, service, "spec", "ports"), map[any]any{"name": "pictures", "port": 10981, "targetPort": "pictures", "protocol": "TCP"})
}

// The garbage collector knows the memory limit: gorowatch sets GOMEMLIMIT by the container's
// limit, which the chart sets, unless somebody has set it.
func TestMemoryHasALimit(t *testing.T) {
	cli, err := os.ReadFile("../docs/cli.md")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^\| .--auto-gomemlimit. \| .true. \|`, string(cli))
	for _, file := range append(goldenFiles(t), manifests) {
		for _, set := range ofKind(documents(t, file), "StatefulSet") {
			container := dig(t, set, "spec", "template", "spec", "containers").([]any)[0].(map[any]any)
			require.NotEmpty(t, dig(t, container, "resources", "limits", "memory"), file)
			for _, arg := range container["args"].([]any) {
				require.NotContains(t, arg, "gomemlimit", file)
			}
			env, _ := container["env"].([]any)
			for _, e := range env {
				require.True(t, e.(map[any]any)["name"] != "GOMEMLIMIT" || filepath.Base(file) == "full.yaml", "%s: only who asks for it sets it", file)
			}
		}
	}
}

func TestLint(t *testing.T) {
	out := helm(t, "lint", "--strict", chart)
	require.Contains(t, out, "1 chart(s) linted, 0 chart(s) failed")
}

// render returns the output of the chart for a namespace, without the dashboards.
func render(t *testing.T, namespace string, args ...string) string {
	args = append([]string{"template", "gorowatch", chart, "-n", namespace, "--kube-version", "1.36.3"}, args...)
	var kept []string
	for _, doc := range strings.Split(helm(t, args...), "\n---\n") {
		if !strings.Contains(doc, "# Source: gorowatch/templates/dashboards.yaml\n") {
			kept = append(kept, doc)
		}
	}
	return strings.Join(kept, "\n---\n")
}

// helm returns the output of a helm command that must succeed.
func helm(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(e2e.Tool(t, "helm", "helm"), args...)
	// Neither the user's configuration nor a cluster is used.
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home, "KUBECONFIG="+filepath.Join(home, "none"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "helm %s: %s", strings.Join(args, " "), stderr.String())
	return string(out)
}

// golden compares text with a file; -update rewrites it.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), text, "%s: go test ./deploy -update", file)
}

func goldenFiles(t *testing.T) []string {
	files, err := filepath.Glob("testdata/golden/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// documents returns the objects of a file.
func documents(t *testing.T, file string) []map[any]any {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return objects(t, string(text))
}

func objects(t *testing.T, text string) (all []map[any]any) {
	for _, doc := range regexp.MustCompile(`(?m)^---$`).Split(text, -1) {
		var object map[any]any
		require.NoError(t, yaml.UnmarshalStrict([]byte(doc), &object), doc)
		if object != nil {
			all = append(all, object)
		}
	}
	return all
}

func ofKind(all []map[any]any, kind string) (found []map[any]any) {
	for _, object := range all {
		if object["kind"] == kind {
			found = append(found, object)
		}
	}
	return found
}

// names returns kinds and names.
func names(all []map[any]any) (names []string) {
	for _, object := range all {
		name, _ := object["metadata"].(map[any]any)["name"].(string)
		names = append(names, object["kind"].(string)+" "+name)
	}
	return names
}

// dig returns the value at a path.
func dig(t *testing.T, object map[any]any, path ...string) any {
	t.Helper()
	var at any = object
	for i, key := range path {
		inner, ok := at.(map[any]any)
		require.True(t, ok, "%s has no fields", strings.Join(path[:i], "."))
		at, ok = inner[key]
		require.True(t, ok, "%s is missing", strings.Join(path[:i+1], "."))
	}
	return at
}

func stringKeys(m map[any]any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k.(string)] = v
	}
	return out
}

func decode(t *testing.T, file string, v any) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, yaml.UnmarshalStrict(text, v), file)
}
