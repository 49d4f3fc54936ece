package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/discovery"
	"go.yaml.in/yaml/v2"
)

// Scrapes reports whether gorowatch can scrape any target itself.
func (c *Config) Scrapes() bool {
	return slices.ContainsFunc(c.Targets, func(t TargetSet) bool { return len(t.Static) > 0 || len(t.ServiceDiscovery) > 0 })
}

// LoadHTTPClient reads and checks a file with the configuration of an HTTP
// client alone, and the files that it names. Relative paths in it are meant
// relative to its folder.
func LoadHTTPClient(path string) (*commoncfg.HTTPClientConfig, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	c := commoncfg.DefaultHTTPClientConfig
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		m, _ := findMistakes(text, reflect.TypeFor[commoncfg.HTTPClientConfig]())
		if len(m.errs) == 0 {
			m.errs = []error{plainError(err)}
		}
		return nil, fmt.Errorf("configuration %s: %w", path, errors.Join(m.errs...))
	}
	c.SetDirectory(filepath.Dir(path))
	v := &validator{}
	v.files("", reflect.ValueOf(&c))
	if len(v.errs) > 0 {
		return nil, fmt.Errorf("configuration %s: %w", path, errors.Join(v.errs...))
	}
	return &c, nil
}

// CheckFiles reads the files that the configuration names, such as passwords
// and certificates. All mistakes are reported at once.
func (c *Config) CheckFiles() error {
	v := &validator{}
	v.files("", reflect.ValueOf(c))
	for i, w := range c.Alerting.Webhooks {
		if text, err := os.ReadFile(w.URLFile); w.URLFile != "" && err == nil {
			if _, err := WebhookURL(string(text)); err != nil {
				v.add(fmt.Sprintf("alerting.webhooks[%d].url_file", i), fmt.Errorf("what is in %s %w", w.URLFile, err))
			}
		}
	}
	return errors.Join(v.errs...)
}

// files checks the files that a value names, by the keys of its sections.
func (v *validator) files(field string, at reflect.Value) {
	switch at.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !at.IsNil() {
			v.files(field, at.Elem())
		}
	case reflect.Slice:
		for i := range at.Len() {
			v.files(fmt.Sprintf("%s[%d]", field, i), at.Index(i))
		}
	case reflect.Map:
		keys := at.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			v.file(join(field, key.String()), key.String(), at.MapIndex(key))
		}
	case reflect.Struct:
		v.filesOf(field, at)
	}
}

func (v *validator) filesOf(field string, at reflect.Value) {
	before := len(v.errs)
	for i := range at.NumField() {
		f := at.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch configs, ok := at.Field(i), f.Type == reflect.TypeFor[discovery.Configs](); {
		case !f.IsExported():
		case ok:
			counts := map[string]int{}
			for j := range configs.Len() {
				c, _ := configs.Index(j).Interface().(discovery.Config)
				key := c.Name() + "_sd_configs"
				v.files(fmt.Sprintf("%s.%s[%d]", field, key, counts[key]), configs.Index(j))
				counts[key]++
			}
		case name == "-":
		case strings.Contains(options, "inline"):
			v.files(field, at.Field(i))
		default:
			v.file(join(field, name), name, at.Field(i))
		}
	}
	// Files that can be read may still be no certificates.
	if tls, ok := at.Interface().(commoncfg.TLSConfig); ok && len(v.errs) == before {
		_, err := commoncfg.NewTLSConfig(&tls)
		v.add(field, err)
	}
}

// file checks the value of a key: a file by its name, or what may name some.
func (v *validator) file(field, key string, at reflect.Value) {
	if at.Kind() == reflect.Interface {
		at = at.Elem()
	}
	switch {
	case at.Kind() == reflect.String && strings.HasSuffix(key, "_file"):
		v.readable(field, at.String())
	case at.Type() == reflect.TypeFor[[]string]() && key == "files" && strings.Contains(field, "http_headers."):
		for i := range at.Len() {
			v.readable(fmt.Sprintf("%s[%d]", field, i), at.Index(i).String())
		}
	default:
		v.files(field, at)
	}
}

func (v *validator) readable(field, name string) {
	if name == "" {
		return
	}
	if _, err := os.ReadFile(name); err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err
		}
		v.add(field, fmt.Errorf("%q cannot be read: %w, expected a file", name, err))
	}
}
