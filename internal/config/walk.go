package config

import (
	"fmt"
	"reflect"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"go.yaml.in/yaml/v2"
	yaml3 "go.yaml.in/yaml/v3"

	"github.com/gorowatch/gorowatch/internal/human"
)

// Bounds of the walk, because aliases may lead anywhere, even to themselves.
const (
	maxDepth  = 50
	maxVisits = 100_000
)

// check finds the mistakes in a value of the given type. It returns false if the value
// cannot be used.
func (m *mistakes) check(field string, n *yaml3.Node, t reflect.Type) bool {
	if m.visits++; m.depth >= maxDepth || m.visits > maxVisits {
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
	if e, ok := expectations[t]; ok || isScalar(t) {
		return m.checkScalar(field, n, t, e)
	}
	before := len(m.errs)
	switch {
	case t == reflect.TypeFor[targetgroup.Group]():
		// The type differs from what is written in a file.
		return m.checkStruct(field, n, reflect.TypeFor[staticGroup]())
	case t.Kind() == reflect.Struct:
		if !m.checkStruct(field, n, t) {
			return false
		}
	case t.Kind() == reflect.Map:
		if !m.expect(field, n, yaml3.MappingNode, "keys with values") {
			return false
		}
		m.checkPairs(field, n, func(key string, value *yaml3.Node) bool {
			return m.check(join(field, key), value, t.Elem())
		})
	case t.Kind() == reflect.Slice:
		if !m.expect(field, n, yaml3.SequenceNode, "a list") {
			return false
		}
		return m.checkItems(field, n, pointee(t.Elem()))
	}
	// The types of Prometheus' libraries check a section as a whole.
	if !isOurs(t) && reflect.PointerTo(t).Implements(unmarshaler) {
		err := decode(n, t)
		if err != nil && len(m.errs) == before {
			m.add(n, field, "%v", err)
		}
		return err == nil
	}
	return true
}

// checkItems checks the entries of a list. It returns false if the list cannot be used
// without the wrong ones.
func (m *mistakes) checkItems(field string, n *yaml3.Node, t reflect.Type) bool {
	var good []*yaml3.Node
	for i, item := range n.Content {
		switch {
		case m.check(fmt.Sprintf("%s[%d]", field, i), item, t):
			good = append(good, item)
		case isScalar(t):
			return false
		case isOurs(t):
			// An empty entry keeps the places of the others in the errors of Validate.
			good = append(good, &yaml3.Node{Kind: yaml3.MappingNode})
		}
	}
	n.Content = good
	return true
}

// checkPairs checks the values of a mapping and takes out those that cannot be used.
func (m *mistakes) checkPairs(field string, n *yaml3.Node, check func(key string, value *yaml3.Node) bool) {
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
			if !check(key.Value, value) {
				continue
			}
		}
		good = append(good, key, value)
	}
	n.Content = good
}

// checkStruct checks the keys and values of a section.
func (m *mistakes) checkStruct(field string, n *yaml3.Node, t reflect.Type) bool {
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
			m.check(field, from, t)
		}
	}
	m.checkPairs(field, n, func(key string, value *yaml3.Node) bool {
		if of, ok := keys[key]; ok {
			return m.check(join(field, key), value, of)
		}
		place := field
		if place == "" {
			place = "the top level"
		}
		for i := range n.Content {
			if n.Content[i].Value == key && i+1 < len(n.Content) && n.Content[i+1] == value {
				m.errs = append(m.errs, fmt.Errorf("line %d: unknown key %q in %s%s", n.Content[i].Line, key, place, suggestion(field, key, keys)))
				m.fields = append(m.fields, join(field, key))
			}
		}
		return false
	})
	return true
}

// checkScalar checks a single value.
func (m *mistakes) checkScalar(field string, n *yaml3.Node, t reflect.Type, e expectation) bool {
	if e == (expectation{}) {
		e = expectationOfKind(t.Kind())
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

// expect adds a mistake if a value is not of the expected kind.
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

// staticGroup is an entry of static_configs as it is written in a file.
type staticGroup struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

var unmarshaler = reflect.TypeFor[yaml.Unmarshaler]()

// pointee returns the type that a pointer points to, and any other type as it is.
func pointee(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// isOurs reports whether a type is of this package. Validate checks such sections.
func isOurs(t reflect.Type) bool { return t.PkgPath() == reflect.TypeFor[Config]().PkgPath() }
