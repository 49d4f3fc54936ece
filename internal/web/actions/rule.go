package actions

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v2"

	"github.com/gorowatch/gorowatch/leak"
)

// rule is an entry of the section ignore of the configuration.
type rule struct {
	Matchers  []string `yaml:"matchers,omitempty"`
	Signature string   `yaml:"signature"`
	Comment   string   `yaml:"comment,omitempty"`
	Until     string   `yaml:"until,omitempty"`
}

// Rule returns the configuration entry under ignore that suppresses a leak, as YAML. It is
// empty if no stack of the leak is known, since a rule names a stack. A zero time means no end.
func Rule(l leak.Leak, comment string, until time.Time) string {
	if len(l.Stacks) == 0 || l.Stacks[0].Signature == "" {
		return ""
	}
	r := rule{Signature: l.Stacks[0].Signature, Comment: comment}
	l.Service.Range(func(x labels.Label) {
		r.Matchers = append(r.Matchers, labels.MustNewMatcher(labels.MatchEqual, x.Name, x.Value).String())
	})
	if !until.IsZero() {
		r.Until = until.UTC().Format(time.RFC3339)
		if t := until.UTC(); t.Equal(t.Truncate(24 * time.Hour)) {
			r.Until = t.Format(time.DateOnly)
		}
	}
	text, err := yaml.Marshal(map[string][]rule{"ignore": {r}})
	if err != nil {
		return "" // these types can always be written
	}
	return string(text)
}
