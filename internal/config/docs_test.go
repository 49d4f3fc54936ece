package config

import (
	"encoding"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/units"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"
)

// field is a key of the configuration file as docs/configuration.md has it.
type field struct{ key, typ, def string }

// httpClient is the prefix of the keys of an HTTP client, which several
// sections have.
const httpClient = "<http_client>"

// mechanisms are the keys of service discovery, which Prometheus' packages add
// to a section.
const mechanisms = "<mechanism>_sd_configs"

// typeNames are how the page calls a type.
var typeNames = map[reflect.Type]string{
	reflect.TypeFor[model.Duration]():        "duration",
	reflect.TypeFor[commoncfg.URL]():         "URL",
	reflect.TypeFor[commoncfg.Secret]():      "secret",
	reflect.TypeFor[commoncfg.TLSVersion]():  "TLS version",
	reflect.TypeFor[commoncfg.ProxyHeader](): "map of lists of secrets",
	reflect.TypeFor[commoncfg.Headers]():     "map of headers",
	reflect.TypeFor[string]():                "string",
	reflect.TypeFor[int]():                   "integer",
	reflect.TypeFor[bool]():                  "boolean",
	reflect.TypeFor[float64]():               "number",
	reflect.TypeFor[units.Base2Bytes]():      "size",
	reflect.TypeFor[[]string]():              "list of strings",
	reflect.TypeFor[map[string]string]():     "map of strings",
	reflect.TypeFor[map[string][]string]():   "map of lists of strings",
	reflect.TypeFor[map[string]any]():        "map",
	reflect.TypeFor[Cloud]():                 "map",
	reflect.TypeFor[[]*relabel.Config]():     "list of relabelling rules",
}

// fields lists the keys below a value, depth first, with the defaults that it
// holds.
func fields(t *testing.T, prefix string, v reflect.Value) (out []field) {
	for i := range v.NumField() {
		f, value := v.Type().Field(i), v.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if f.Type == reflect.TypeFor[discovery.Configs]() {
			out = append(out, field{key: prefix + "." + mechanisms})
			continue
		}
		if name == "-" || !f.IsExported() {
			continue
		}
		key := prefix + "." + name
		if prefix == "" {
			key = name
		}
		if f.Type == reflect.TypeFor[commoncfg.HTTPClientConfig]() {
			out = append(out, field{key: strings.TrimSuffix(key, ".") + "." + httpClient})
			continue
		}
		if strings.Contains(options, "inline") {
			out = append(out, fields(t, prefix, value)...)
			continue
		}
		typ := f.Type
		if typ.Kind() == reflect.Pointer {
			typ, value = typ.Elem(), reflect.Zero(typ.Elem())
		}
		switch _, known := typeNames[typ]; {
		case known:
			out = append(out, field{key, typeNames[typ], text(value)})
		case typ.Kind() == reflect.Struct:
			out = append(out, fields(t, key, value)...)
		case typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct:
			out = append(out, fields(t, key+"[]", element(t, typ.Elem()))...)
		default:
			t.Fatalf("%s: the page has no name for %s", key, typ)
		}
	}
	return out
}

// element returns an entry of a list with its defaults.
func element(t *testing.T, typ reflect.Type) reflect.Value {
	v := reflect.New(typ)
	if u, ok := v.Interface().(interface{ UnmarshalYAML(func(any) error) error }); ok {
		require.NoError(t, u.UnmarshalYAML(func(any) error { return nil }))
	}
	return v.Elem()
}

// text writes a default as in a file; empty: none.
func text(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case []string:
		if len(x) > 0 {
			return "[" + strings.Join(x, ", ") + "]"
		}
		return ""
	case commoncfg.URL, commoncfg.Headers, commoncfg.ProxyHeader, map[string]string, map[string][]string, map[string]any, Cloud, []*relabel.Config, commoncfg.TLSVersion:
		return ""
	case encoding.TextMarshaler, fmt.Stringer, string, bool:
		return fmt.Sprint(x)
	case int:
		return fmt.Sprint(x)
	}
	return fmt.Sprint(v.Interface())
}

// row is a row of a table: the key, the type, the default, the meaning.
var row = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| ([^|]*) \\| (.+) \\|$")

// The page has exactly the keys that exist, with type and default.
func TestPageOfTheConfiguration(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	documented := map[string]field{}
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		require.NotContains(t, documented, m[1], "twice")
		require.NotEmpty(t, strings.TrimSpace(m[4]), "%s: what is it for?", m[1])
		documented[m[1]] = field{m[1], m[2], strings.Trim(strings.TrimSpace(m[3]), "`")}
	}

	want := fields(t, "", reflect.ValueOf(Default()))
	want = append(want, fields(t, httpClient, reflect.ValueOf(commoncfg.DefaultHTTPClientConfig))...)
	want = slices.DeleteFunc(want, func(f field) bool {
		// References of a secret manager, which cannot be resolved here.
		return strings.HasSuffix(f.key, "_ref")
	})
	var missing []string
	for _, f := range want {
		if strings.HasSuffix(f.key, httpClient) || strings.HasSuffix(f.key, mechanisms) {
			require.Contains(t, string(page), "`"+f.key+"`", "where an HTTP client, or service discovery, is configured")
			continue
		}
		got, ok := documented[f.key]
		if !ok {
			missing = append(missing, fmt.Sprintf("| `%s` | %s | `%s` |  |", f.key, f.typ, f.def))
			continue
		}
		require.Equal(t, f, got)
		delete(documented, f.key)
	}
	require.Empty(t, missing, "docs/configuration.md lacks\n%s", strings.Join(missing, "\n"))
	require.Empty(t, documented, "docs/configuration.md has keys that do not exist")
}

// The examples of the page are valid.
func TestExamplesOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, examples)
	for _, m := range examples {
		_, err := Load([]byte(m[1]))
		require.NoError(t, err, m[1])
	}
}
