package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// Mark is the judgement of a person who has read a hint beside the case.
type Mark struct {
	Hint string `yaml:"hint"`
	// Mark is "true", or why the hint is not true.
	Mark string `yaml:"mark"`
}

// marks returns those of hints.yaml in dir, by case. A hint whose words have changed since is
// not marked.
func marks(dir string) (map[string]Mark, error) {
	path := filepath.Join(dir, "hints.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := map[string]Mark{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// mark adds the marks of hints.yaml to the findings.
func (e *Evidence) mark(dir string) error {
	m, err := marks(dir)
	if err != nil {
		return err
	}
	for i := range e.Findings {
		f := &e.Findings[i]
		f.HintMark = ""
		if x, ok := m[f.Name]; ok && f.Kind == "leak" && f.HintText == x.Hint {
			f.HintMark = x.Mark
		}
	}
	return nil
}
