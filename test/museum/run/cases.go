package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Case is an entry of cases.yaml, which describes the fields.
type Case struct {
	Name string `yaml:"name" json:"name"`
	Rate int    `yaml:"rate" json:"rate"`

	Module    string   `yaml:"module" json:"module,omitempty"`
	Version   string   `yaml:"version" json:"version,omitempty"`
	Fixed     string   `yaml:"fixed" json:"fixed,omitempty"`
	Issue     string   `yaml:"issue" json:"issue,omitempty"`
	Fix       string   `yaml:"fix" json:"fix,omitempty"`
	Function  string   `yaml:"function" json:"function,omitempty"`
	Or        []string `yaml:"or" json:"or,omitempty"`
	Culprit   string   `yaml:"culprit" json:"culprit,omitempty"`
	Caller    string   `yaml:"caller" json:"caller,omitempty"`
	Operation string   `yaml:"operation" json:"operation,omitempty"`
	Every     float64  `yaml:"every" json:"-"`
	Limit     int      `yaml:"limit" json:"-"`
	Needs     string   `yaml:"needs" json:"-"`
	Hint      []string `yaml:"hint" json:"-"`

	Crowd  string `yaml:"crowd" json:"-"`
	Server string `yaml:"server" json:"server,omitempty"`
	Why    string `yaml:"why" json:"why,omitempty"`
}

// Museum is all of cases.yaml.
type Museum struct {
	Leaks   []Case `yaml:"leaks"`
	Healthy []Case `yaml:"healthy"`
}

// load reads the cases of the museum in dir.
func load(dir string) (*Museum, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cases.yaml"))
	if err != nil {
		return nil, err
	}
	m := &Museum{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(m); err != nil {
		return nil, fmt.Errorf("cases.yaml: %w", err)
	}
	return m, nil
}

// choose keeps the cases that are named, all for an empty list.
func (m *Museum) choose(names []string) error {
	if len(names) == 0 {
		return nil
	}
	known := map[string]bool{}
	keep := func(cases []Case) []Case {
		return slices.DeleteFunc(cases, func(c Case) bool {
			known[c.Name] = true
			return !slices.Contains(names, c.Name)
		})
	}
	m.Leaks, m.Healthy = keep(m.Leaks), keep(m.Healthy)
	for _, name := range names {
		if !known[name] {
			return fmt.Errorf("-cases: %q is no case of cases.yaml", name)
		}
	}
	return nil
}

// needsPlus reports whether worldplus has what it talks to.
func (c Case) needsPlus() bool { return c.Needs == "grpc" || c.Needs == "redis" }

// functions returns those of which one has to be named.
func (c Case) functions() []string { return append([]string{c.Function}, c.Or...) }

// readable returns a function as people write it: profiles escape dots in the last
// element of an import path.
func readable(function string) string { return strings.ReplaceAll(function, "%2e", ".") }
