package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"
	yaml3 "go.yaml.in/yaml/v3"
)

// decodeError returns all mistakes in a file that cannot be decoded, with lines, fields
// and what was expected, and the configuration without the wrong parts. The YAML
// library stops at the first value that it cannot read, and its errors have neither
// fields nor the types that users know.
func decodeError(text []byte, err error) (Config, error) {
	m, document := findMistakes(text, reflect.TypeFor[Config]())
	if len(m.errs) == 0 {
		return Default(), plainError(err)
	}
	c, rest := m.rest(document)
	return c, errors.Join(append(m.errs, rest...)...)
}

// findMistakes finds the mistakes in a text and returns the rest as a document. It finds
// none in a text that is not YAML.
func findMistakes(text []byte, t reflect.Type) (*mistakes, *yaml3.Node) {
	var document yaml3.Node
	m := &mistakes{}
	if yaml3.Unmarshal(text, &document) != nil || len(document.Content) == 0 {
		return m, nil
	}
	m.check("", document.Content[0], t)
	return m, document.Content[0]
}

// mistakes collects the mistakes in a document. It takes the wrong parts out of the
// document, so that the rest can be checked.
type mistakes struct {
	errs   []error
	fields []string // of each error
	depth  int      // of the value that is checked
	visits int      // values that were checked
}

// rest returns the other mistakes, in values that can be read but make no sense, and the
// configuration.
func (m *mistakes) rest(document *yaml3.Node) (Config, []error) {
	text, err := yaml3.Marshal(document)
	c := Default()
	if err != nil || yaml.UnmarshalStrict(text, &c) != nil {
		return Default(), nil
	}
	v := c.validate()
	var out []error
	for i, err := range v.errs {
		// A mistake may cause another one: a section without its misspelled key is
		// incomplete.
		if !slices.ContainsFunc(m.fields, func(field string) bool { return within(field, v.fields[i]) }) {
			out = append(out, err)
		}
	}
	return c, out
}

// within reports whether a field is another one, or in it.
func within(field, other string) bool {
	rest, ok := strings.CutPrefix(field, other)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// add adds a mistake at a node.
func (m *mistakes) add(n *yaml3.Node, field, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if field != "" {
		text = field + ": " + text
	}
	m.errs = append(m.errs, fmt.Errorf("line %d: %s", n.Line, text))
	m.fields = append(m.fields, field)
}
