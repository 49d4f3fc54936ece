package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Links are where the pages and alerts lead besides gorowatch itself.
type Links struct {
	// Source says where the source of services can be looked at; of those that
	// match a frame the first counts.
	Source []SourceLink `yaml:"source,omitempty"`
	// Dashboard is a template of the address of a service's dashboard, with
	// {label}, {from} and {to}.
	Dashboard string `yaml:"dashboard,omitempty"`
	// Runbook is a template as Dashboard is: what to do when a service leaks.
	Runbook string `yaml:"runbook,omitempty"`
	// Alertmanager is where people reach it; empty: no link to silence a leak.
	Alertmanager string `yaml:"alertmanager,omitempty"`
}

// SourceLink is where the source of some services can be looked at.
type SourceLink struct {
	// Matchers of the labels of the service; empty: all.
	Matchers []string `yaml:"matchers,omitempty"`
	// Prefix of the files that it is about, which {path} is without.
	Prefix string `yaml:"prefix,omitempty"`
	// URL is a template with {version}, {path} and {line}.
	URL string `yaml:"url,omitempty"`
}

// placeholder is a name in a template.
var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// template checks the template of an address; nil names: any.
func (v *validator) template(field, s string, names []string) {
	if s == "" {
		return
	}
	for _, p := range placeholder.FindAllString(s, -1) {
		if names != nil && !slices.Contains(names, p[1:len(p)-1]) {
			v.add(field, fmt.Errorf("%q: %s is not known, expected {%s}", s, p, strings.Join(names, "}, {")))
		}
	}
	u, err := url.Parse(placeholder.ReplaceAllString(s, "x"))
	switch {
	case err != nil:
		v.add(field, errors.New("is not an address, expected https://host/path"))
	case (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.ContainsAny(s[:strings.Index(s, "://")+3+len(u.Host)], "{}"):
		v.add(field, fmt.Errorf("%q is not an address, expected https://host/path", u.Redacted()))
	}
}

func (v *validator) links(l *Links) {
	for i, s := range l.Source {
		field := fmt.Sprintf("links.source[%d]", i)
		if s.URL == "" {
			v.add(field+".url", errors.New("is empty, expected e.g. https://github.com/org/repo/blob/{version}/{path}#L{line}"))
		}
		v.template(field+".url", s.URL, []string{"version", "path", "line"})
		if len(s.Matchers) > 0 {
			_, err := ParseMatchers(s.Matchers)
			v.check(field+".matchers", strings.Join(s.Matchers, ", "), err, `label matchers, e.g. job=~"a|b"`)
		}
	}
	v.template("links.dashboard", l.Dashboard, nil)
	v.template("links.runbook", l.Runbook, nil)
	v.template("links.alertmanager", l.Alertmanager, []string{})
}
