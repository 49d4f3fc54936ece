package deploy

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/test/e2e"
)

// configSchema makes the schema of a section of gorowatch.yml from its type: the keys that
// exist, and whether a value is a section or a list. gorowatch checks the values itself, and
// explains mistakes.
func configSchema(t reflect.Type) map[string]any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": configSchema(t.Elem())}
	case t.Kind() != reflect.Struct || !isSection(t):
		return map[string]any{}
	}
	properties, patterns := map[string]any{}, map[string]any{}
	addKeys(t, properties, patterns)
	schema := map[string]any{"type": []string{"object", "null"}, "additionalProperties": false, "properties": properties}
	if len(patterns) > 0 {
		schema["patternProperties"] = patterns
	}
	return schema
}

// isSection reports whether a type is written as keys with values: those of our configuration,
// and the HTTP client of Prometheus.
func isSection(t reflect.Type) bool {
	ours, client := reflect.TypeFor[config.Config]().PkgPath(), reflect.TypeFor[commoncfg.HTTPClientConfig]()
	if t.PkgPath() != ours && t != client {
		return false
	}
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("yaml") != "" {
			return true
		}
	}
	return false
}

func addKeys(t reflect.Type, properties, patterns map[string]any) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		inline := slices.Contains(strings.Split(options, ","), "inline")
		switch {
		case f.Type == reflect.TypeFor[discovery.Configs]():
			patterns["^[a-z]+_sd_configs$|^static_configs$"] = map[string]any{"type": "array"}
		case !f.IsExported() || name == "-":
		case inline && f.Type.Kind() == reflect.Struct:
			addKeys(f.Type, properties, patterns)
		case inline: // keys of any name, such as headers
		default:
			if name == "" {
				name = strings.ToLower(f.Name)
			}
			properties[name] = configSchema(f.Type)
		}
	}
}

// TestSchemaHasTheConfiguration: the schema of `config` is made from the type that gorowatch
// reads; -update rewrites it.
func TestSchemaHasTheConfiguration(t *testing.T) {
	file := filepath.Join(chart, "values.schema.json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	want, err := json.Marshal(configSchema(reflect.TypeFor[config.Config]()))
	require.NoError(t, err)
	var schema struct {
		Properties struct{ Config json.RawMessage }
	}
	require.NoError(t, json.Unmarshal(text, &schema))
	if *update {
		begin := bytes.Index(text, []byte("\n    \"config\": ")) + len("\n    \"config\": ")
		var pretty bytes.Buffer
		require.NoError(t, json.Indent(&pretty, want, "    ", "  "))
		end := begin + len(schema.Properties.Config)
		require.Equal(t, string(schema.Properties.Config), string(text[begin:end]))
		require.NoError(t, os.WriteFile(file, slices.Concat(text[:begin], pretty.Bytes(), text[end:]), 0o644))
		schema.Properties.Config = want
	}
	require.JSONEq(t, string(want), string(schema.Properties.Config), "go test ./deploy -run TestSchemaHasTheConfiguration -update")
}

// TestChartRefusesUnknownConfiguration: an unknown key under config is an error before anything
// is installed.
func TestChartRefusesUnknownConfiguration(t *testing.T) {
	for values, want := range map[string]string{
		`{"config": {"trends": {}}}`:                                                                           "additional properties 'trends' not allowed",
		`{"config": {"trend": {"bases": "1m"}}}`:                                                               "additional properties 'bases' not allowed",
		`{"config": {"targets": [{"matchers": ["job=\"x\""], "paths": "/x/"}]}}`:                               "additional properties 'paths' not allowed",
		`{"config": {"targets": {"path": "/x/"}}}`:                                                             "want array",
		`{"config": {"alerting": {"alertmanagers": [{"static_config": [{"targets": ["x:1"]}]}]}}}`:             "additional properties 'static_config' not allowed",
		`{"config": {"alerting": {"webhooks": [{"name": "x", "http_config": {"bearer": "x"}}]}}}`:              "additional properties 'bearer' not allowed",
		`{"ingress": {"enabled": true}}`:                                                                       "/ingress/hosts': minItems",
		`{"httpRoute": {"enabled": true, "hosts": ["a.example.org"]}}`:                                         "/httpRoute/parentRefs': minItems",
		`{"httpRoute": {"enabled": true, "parentRefs": [{"name": "public"}]}}`:                                 "/httpRoute/hosts': minItems",
		`{"persistence": {"existingClaim": "old"}, "shards": 2}`:                                               "/shards': maximum",
		`{"persistence": {"existingClaim": "old"}, "replicas": 2}`:                                             "/replicas': maximum",
		`{"config": {"prometheus": {"basic_auth": {"username": "x"}, "series": {"load": ["x"]}}}}`:             "",
		`{"config": {"alerting": {"alertmanagers": [{"dns_sd_configs": [{"names": ["x"]}]}]}, "trend": null}}`: "",
		`{"enabled": true, "global": {"anything": 1}}`:                                                         "",
	} {
		t.Run(values, func(t *testing.T) {
			t.Parallel()
			file, err := os.CreateTemp("", "values-*.json")
			require.NoError(t, err)
			t.Cleanup(func() { _ = os.Remove(file.Name()) })
			_, err = file.WriteString(values)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			out, err := exec.Command(e2e.Tool(t, "helm", "helm"), "template", "gorowatch", chart, "-f", file.Name()).CombinedOutput()
			if want == "" {
				require.NoError(t, err, string(out))
				return
			}
			require.Error(t, err)
			require.Contains(t, string(out), want)
		})
	}
}
