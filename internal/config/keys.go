package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/discovery"

	"github.com/gorowatch/gorowatch/internal/human"
)

// suggestion says what the author of an unknown key may have meant, or where the key
// belongs.
func suggestion(field, key string, keys map[string]reflect.Type) string {
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
		return "" // a file with another format
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

// join appends a key to a dotted field.
func join(field, key string) string { return strings.TrimPrefix(field+"."+key, ".") }

// keysOf returns the keys that a section may have, with the types of their values.
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

// mechanismsOf returns the keys of service discovery that a section may have. The
// packages of the mechanisms register them.
func mechanismsOf(t reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	// Only the registry knows the type, and only a decoder gets it.
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
