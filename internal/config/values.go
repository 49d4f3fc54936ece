package config

import (
	"errors"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/alecthomas/units"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v2"
	yaml3 "go.yaml.in/yaml/v3"
)

// expectation says what a scalar of a type has to be.
type expectation struct {
	is       string // what a wrong value is not; empty: the error of the library says it
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

// isScalar reports whether a type is a text, a number or a boolean.
func isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array:
		return false
	}
	return true
}

// expectationOfKind returns the expectation of types that have none of their own.
func expectationOfKind(k reflect.Kind) expectation {
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

// valueError returns the error of a library about a value, without the value if that may be
// a secret.
func valueError(err error, secret bool) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return "is not a URL: " + e.Err.Error()
	}
	if secret {
		return "cannot be read"
	}
	return err.Error()
}

// decode decodes a single value. Its errors name no Go types.
func decode(n *yaml3.Node, t reflect.Type) error {
	text, err := yaml3.Marshal(n)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(text, reflect.New(t).Interface()); err != nil {
		if strings.Contains(err.Error(), "unknown anchor") {
			return nil // the anchor is elsewhere in the file
		}
		if _, ok := errors.AsType[*yaml.TypeError](err); ok {
			// Its line numbers count within the value.
			return errors.New(lineOfValue.ReplaceAllString(plainError(err).Error(), ""))
		}
		return err
	}
	return nil
}

// These match the Go types in the errors of the YAML library.
var (
	unknownKey   = regexp.MustCompile(`field (\S+) not found in type \S+`)
	wrongType    = regexp.MustCompile("cannot unmarshal !!\\w+(?: `[^`]*`)? into \\S+")
	yamlHeadline = regexp.MustCompile(`^yaml: unmarshal errors:\n\s*`)
	lineOfValue  = regexp.MustCompile(`(?m)^\s*line \d+: `)
)

// plainError is the error of the YAML library without the Go types.
func plainError(err error) error {
	says := yamlHeadline.ReplaceAllString(err.Error(), "")
	says = unknownKey.ReplaceAllStringFunc(says, func(s string) string {
		return "unknown key " + strconv.Quote(unknownKey.FindStringSubmatch(s)[1])
	})
	says = wrongType.ReplaceAllString(says, "has a value of another kind than expected")
	return errors.New(strings.ReplaceAll(says, "\n", ", "))
}
