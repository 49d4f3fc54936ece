package config

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v2"
)

// undecodable puts what the YAML library says of a file into the user's words.
func undecodable(text []byte, err error) error {
	if _, ok := errors.AsType[*yaml.TypeError](err); ok {
		return explain(err)
	}
	return refused(text, err)
}

// refused names the field of a value that a duration or a URL cannot be made
// of: their errors know the value alone.
func refused(text []byte, err error) error {
	says, expected := err.Error(), ""
	is := func(value string) bool {
		return strings.HasSuffix(says, strconv.Quote(value)) || strings.HasSuffix(says, " "+value)
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		// The URL may hold a password.
		says, expected = "is not a URL: "+e.Err.Error(), ", expected http://host:port or https://host:port"
		is = func(value string) bool { return value == e.URL }
	} else if strings.Contains(says, "duration") {
		expected = ", expected a number and a unit, e.g. 30s or 1h30m"
	} else if strings.HasPrefix(says, "units: ") {
		expected = ", expected a number and a unit, e.g. 10MiB"
	}
	var document yaml.MapSlice
	if yaml.Unmarshal(text, &document) == nil {
		if field := find("", document, is); field != "" {
			says = field + ": " + says
		}
	}
	return errors.New(says + expected)
}

// find is the dotted path of the first scalar for which is holds.
func find(path string, node any, is func(value string) bool) string {
	switch n := node.(type) {
	case yaml.MapSlice:
		for _, item := range n {
			if found := find(strings.TrimPrefix(fmt.Sprintf("%s.%v", path, item.Key), "."), item.Value, is); found != "" {
				return found
			}
		}
	case []any:
		for i, item := range n {
			if found := find(fmt.Sprintf("%s[%d]", path, i), item, is); found != "" {
				return found
			}
		}
	default:
		if is(fmt.Sprint(n)) {
			return path
		}
	}
	return ""
}
