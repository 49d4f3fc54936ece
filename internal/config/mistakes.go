package config

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/units"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v2"
	yaml3 "go.yaml.in/yaml/v3"

	"github.com/gorowatch/gorowatch/internal/human"
)

// undecodable is all that is wrong with a file that cannot be decoded, with
// lines, fields and what was expected, and the configuration without that. The library that decodes stops at the
// first value that it cannot read, and names neither fields nor types as users
// know them.
func undecodable(text []byte, err error) (Config, error) {
	m, document := lookAt(text, reflect.TypeFor[Config]())
	if len(m.errs) == 0 {
		return Default(), plainly(err)
	}
	c, rest := m.rest(document)
	return c, errors.Join(append(m.errs, rest...)...)
}

// lookAt finds what is wrong with a text, none if it is no YAML, and has the
// rest of it as a document.
func lookAt(text []byte, t reflect.Type) (*mistakes, *yaml3.Node) {
	var document yaml3.Node
	m := &mistakes{}
	if yaml3.Unmarshal(text, &document) != nil || len(document.Content) == 0 {
		return m, nil
	}
	m.look("", document.Content[0], t)
	return m, document.Content[0]
}

// mistakes collects what is wrong with a document. It takes what is wrong out
// of the document, so that the rest can be checked.
type mistakes struct {
	errs []error
	// fields are those with a mistake.
	fields []string
	depth  int
	looks  int
}

// Aliases may lead anywhere, even to themselves.
const (
	maxDepth = 50
	maxLooks = 100_000
)

// rest is what else is wrong: values that can be read but make no sense.
func (m *mistakes) rest(document *yaml3.Node) (Config, []error) {
	text, err := yaml3.Marshal(document)
	c := Default()
	if err != nil || yaml.UnmarshalStrict(text, &c) != nil {
		return Default(), nil
	}
	v := c.validate()
	var out []error
	for i, err := range v.errs {
		// What depends on a mistake is none of its own: a section without its
		// misspelled key is incomplete.
		if !slices.ContainsFunc(m.fields, func(field string) bool { return within(field, v.fields[i]) }) {
			out = append(out, err)
		}
	}
	return c, out
}

// within tells whether a field is another one, or in it.
func within(field, other string) bool {
	rest, ok := strings.CutPrefix(field, other)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

func (m *mistakes) add(n *yaml3.Node, field, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if field != "" {
		text = field + ": " + text
	}
	m.errs = append(m.errs, fmt.Errorf("line %d: %s", n.Line, text))
	m.fields = append(m.fields, field)
}

// look looks for mistakes in a value of the given type. It returns false if the
// value is of no use.
func (m *mistakes) look(field string, n *yaml3.Node, t reflect.Type) bool {
	if m.looks++; m.depth >= maxDepth || m.looks > maxLooks {
		return true
	}
	m.depth++
	defer func() { m.depth-- }()
	if n.Kind == yaml3.AliasNode {
		n = n.Alias
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[commoncfg.Headers]() {
		t = reflect.TypeFor[map[string]commoncfg.Header]() // inline
	}
	if n.Kind == yaml3.ScalarNode && n.ShortTag() == "!!null" || t.Kind() == reflect.Interface {
		return true
	}
	if e, ok := expectations[t]; ok || isPlain(t) {
		return m.lookScalar(field, n, t, e)
	}
	before := len(m.errs)
	switch {
	case t == reflect.TypeFor[targetgroup.Group]():
		// Its own type is not as it is written.
		return m.lookStruct(field, n, reflect.TypeFor[staticGroup]())
	case t.Kind() == reflect.Struct:
		if !m.lookStruct(field, n, t) {
			return false
		}
	case t.Kind() == reflect.Map:
		if !m.expect(field, n, yaml3.MappingNode, "keys with values") {
			return false
		}
		m.lookPairs(field, n, func(key string, value *yaml3.Node) bool {
			return m.look(join(field, key), value, t.Elem())
		})
	case t.Kind() == reflect.Slice:
		if !m.expect(field, n, yaml3.SequenceNode, "a list") {
			return false
		}
		return m.lookItems(field, n, pointee(t.Elem()))
	}
	// What the types of Prometheus' libraries demand of a whole section.
	if !ours(t) && reflect.PointerTo(t).Implements(unmarshaler) {
		err := decode(n, t)
		if err != nil && len(m.errs) == before {
			m.add(n, field, "%v", err)
		}
		return err == nil
	}
	return true
}

// lookItems looks at the entries of a list. It returns false if the list is of
// no use without those that are wrong.
func (m *mistakes) lookItems(field string, n *yaml3.Node, t reflect.Type) bool {
	var good []*yaml3.Node
	for i, item := range n.Content {
		switch {
		case m.look(fmt.Sprintf("%s[%d]", field, i), item, t):
			good = append(good, item)
		case isPlain(t):
			return false
		case ours(t):
			// The others keep their places in what Validate says.
			good = append(good, &yaml3.Node{Kind: yaml3.MappingNode})
		}
	}
	n.Content = good
	return true
}

// staticGroup is an entry of static_configs.
type staticGroup struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

var unmarshaler = reflect.TypeFor[yaml.Unmarshaler]()

func pointee(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// ours tells whether a type is of this package, whose sections are checked by
// Validate.
func ours(t reflect.Type) bool { return t.PkgPath() == reflect.TypeFor[Config]().PkgPath() }

// expectation is what a scalar of a type has to be.
type expectation struct {
	is       string // what it is not, if it is wrong; empty: the library says it
	expected string
	secret   bool // the value must not be shown
}

var expectations = map[reflect.Type]expectation{
	reflect.TypeFor[model.Duration]():       {expected: "a number and a unit, e.g. 30s or 1h30m"},
	reflect.TypeFor[units.Base2Bytes]():     {is: "a size", expected: "a number and a unit, e.g. 10MiB"},
	reflect.TypeFor[commoncfg.URL]():        {expected: "http://host:port or https://host:port", secret: true},
	reflect.TypeFor[commoncfg.Secret]():     {expected: "text", secret: true},
	reflect.TypeFor[commoncfg.TLSVersion](): {expected: "TLS10, TLS11, TLS12 or TLS13"},
	reflect.TypeFor[relabel.Regexp]():       {expected: "a regular expression"},
	reflect.TypeFor[relabel.Action]():       {expected: "e.g. replace, keep, drop, labelmap or labeldrop"},
}

// isPlain tells whether a type is a text, a number or a truth value.
func isPlain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array:
		return false
	}
	return true
}

// byKind is what is expected of types that have no word of their own.
func byKind(k reflect.Kind) expectation {
	switch k {
	case reflect.Bool:
		return expectation{is: "a boolean", expected: "true or false"}
	case reflect.Float32, reflect.Float64:
		return expectation{is: "a number", expected: "e.g. 0.5"}
	case reflect.String:
		return expectation{expected: "text"}
	}
	return expectation{is: "a whole number", expected: "e.g. 10"}
}

func (m *mistakes) lookScalar(field string, n *yaml3.Node, t reflect.Type, e expectation) bool {
	if e == (expectation{}) {
		e = byKind(t.Kind())
	}
	if !m.expect(field, n, yaml3.ScalarNode, e.expected) {
		return false
	}
	err := decode(n, t)
	switch {
	case err == nil:
		return true
	case e.is != "":
		m.add(n, field, "%q is not %s, expected %s", human.Line(n.Value, 60), e.is, e.expected)
	default:
		m.add(n, field, "%s, expected %s", valueError(err, e.secret), e.expected)
	}
	return false
}

// valueError is what a library says of a value, without the value if that may
// be a secret.
func valueError(err error, secret bool) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return "is not a URL: " + e.Err.Error()
	}
	if secret {
		return "cannot be read"
	}
	return err.Error()
}

// decode reads a value alone. Its errors name no types of Go.
func decode(n *yaml3.Node, t reflect.Type) error {
	text, err := yaml3.Marshal(n)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(text, reflect.New(t).Interface()); err != nil {
		if strings.Contains(err.Error(), "unknown anchor") {
			return nil // it is elsewhere in the file
		}
		if _, ok := errors.AsType[*yaml.TypeError](err); ok {
			// Its lines are those of the value.
			return errors.New(lineOfValue.ReplaceAllString(plainly(err).Error(), ""))
		}
		return err
	}
	return nil
}

// expect adds a mistake if a value is of another kind than the one expected.
func (m *mistakes) expect(field string, n *yaml3.Node, kind yaml3.Kind, expected string) bool {
	if n.Kind == kind {
		return true
	}
	found := map[yaml3.Kind]string{yaml3.MappingNode: "has keys", yaml3.SequenceNode: "is a list", yaml3.ScalarNode: "is a single value"}[n.Kind]
	if field == "" {
		found = "the file " + found
	}
	m.add(n, field, "%s, expected %s", found, expected)
	return false
}

// lookPairs looks at the values of a mapping and takes out those that are of no
// use.
func (m *mistakes) lookPairs(field string, n *yaml3.Node, look func(key string, value *yaml3.Node) bool) {
	seen := map[string]bool{}
	var good []*yaml3.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml3.ScalarNode && key.ShortTag() != "!!merge" {
			if seen[key.Value] {
				m.add(key, join(field, key.Value), "is given twice, expected it once")
				continue
			}
			seen[key.Value] = true
			if !look(key.Value, value) {
				continue
			}
		}
		good = append(good, key, value)
	}
	n.Content = good
}

func (m *mistakes) lookStruct(field string, n *yaml3.Node, t reflect.Type) bool {
	if !m.expect(field, n, yaml3.MappingNode, "keys with values") {
		return false
	}
	keys := keysOf(t)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].ShortTag() != "!!merge" {
			continue
		}
		merged := []*yaml3.Node{n.Content[i+1]}
		if merged[0].Kind == yaml3.SequenceNode {
			merged = merged[0].Content
		}
		for _, from := range merged {
			m.look(field, from, t)
		}
	}
	m.lookPairs(field, n, func(key string, value *yaml3.Node) bool {
		if of, ok := keys[key]; ok {
			return m.look(join(field, key), value, of)
		}
		place := field
		if place == "" {
			place = "the top level"
		}
		for i := range n.Content {
			if n.Content[i].Value == key && i+1 < len(n.Content) && n.Content[i+1] == value {
				m.errs = append(m.errs, fmt.Errorf("line %d: unknown key %q in %s%s", n.Content[i].Line, key, place, suggest(field, key, keys)))
				m.fields = append(m.fields, join(field, key))
			}
		}
		return false
	})
	return true
}

// suggest is what somebody who wrote an unknown key may have meant.
func suggest(field, key string, keys map[string]reflect.Type) string {
	names := slices.Sorted(maps.Keys(keys))
	if s := human.Closest(key, names); s != "" {
		return fmt.Sprintf(", did you mean %q?", s)
	}
	if strings.HasSuffix(key, "_sd_configs") {
		var has []string
		for _, name := range names {
			if strings.HasSuffix(name, "_sd_configs") {
				has = append(has, name)
			}
		}
		if len(has) == 0 {
			return "; this build has no service discovery"
		}
		return "; this build has " + strings.Join(has, ", ")
	}
	top := keysOf(reflect.TypeFor[Config]())
	if _, ok := keys["global"]; !ok && field == "" {
		return "" // of another file
	}
	if _, ok := top[key]; ok && field != "" {
		return fmt.Sprintf("; %q belongs to the top level", key)
	}
	var in []string
	for section, t := range top {
		if t.Kind() == reflect.Struct && section != field {
			if _, ok := keysOf(t)[key]; ok {
				in = append(in, section)
			}
		}
	}
	if len(in) == 1 {
		return fmt.Sprintf("; %q belongs to %s", key, in[0])
	}
	return ""
}

func join(field, key string) string { return strings.TrimPrefix(field+"."+key, ".") }

// keysOf are the keys that a section may have, with the types of their values.
func keysOf(t reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case f.Type == reflect.TypeFor[discovery.Configs]():
			for key, of := range mechanismsOf(t) {
				keys[key] = of
			}
		case !f.IsExported() || name == "-":
		case slices.Contains(strings.Split(options, ","), "inline"):
			if of := pointee(f.Type); of.Kind() == reflect.Struct {
				maps.Copy(keys, keysOf(of))
			}
		default:
			if name == "" {
				name = strings.ToLower(f.Name)
			}
			keys[name] = f.Type
		}
	}
	return keys
}

// mechanismsOf are the keys of service discovery of a section, which the
// packages of the mechanisms have registered.
func mechanismsOf(t reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	// Only the registry knows the type, and it shows it to who decodes.
	_ = discovery.UnmarshalYAMLWithInlineConfigs(reflect.New(t).Interface(), func(v any) error {
		all := reflect.TypeOf(v).Elem()
		for i := range all.NumField() {
			if name, _, _ := strings.Cut(all.Field(i).Tag.Get("yaml"), ","); strings.HasSuffix(name, "_configs") {
				keys[name] = all.Field(i).Type
			}
		}
		return nil
	})
	return keys
}

// The ways in which the YAML library names types of Go.
var (
	unknownKey   = regexp.MustCompile(`field (\S+) not found in type \S+`)
	wrongType    = regexp.MustCompile("cannot unmarshal !!\\w+(?: `[^`]*`)? into \\S+")
	yamlHeadline = regexp.MustCompile(`^yaml: unmarshal errors:\n\s*`)
	lineOfValue  = regexp.MustCompile(`(?m)^\s*line \d+: `)
)

// plainly is what the YAML library says, without the types of Go.
func plainly(err error) error {
	says := yamlHeadline.ReplaceAllString(err.Error(), "")
	says = unknownKey.ReplaceAllStringFunc(says, func(s string) string {
		return "unknown key " + strconv.Quote(unknownKey.FindStringSubmatch(s)[1])
	})
	says = wrongType.ReplaceAllString(says, "has a value of another kind than expected")
	return errors.New(strings.ReplaceAll(says, "\n", ", "))
}
