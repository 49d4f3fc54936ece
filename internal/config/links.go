package config

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	commoncfg "github.com/prometheus/common/config"

	"github.com/gorowatch/gorowatch/internal/forge"
)

// Links are addresses outside of gorowatch that pages and alerts link to.
type Links struct {
	// Source says where the source of services can be viewed; the first entry that matches a
	// frame counts.
	Source []SourceLink `yaml:"source,omitempty"`
	// Compare says where two versions of services are compared; the first entry that matches a
	// service counts.
	Compare []CompareLink `yaml:"compare,omitempty"`
	// Dashboard is a template of the address of a service's dashboard, with
	// {label}, {from} and {to}.
	Dashboard string `yaml:"dashboard,omitempty"`
	// Runbook is a template as Dashboard is: what to do when a service leaks.
	Runbook string `yaml:"runbook,omitempty"`
	// Alertmanager is where people reach it; empty: at the address of the first one that
	// alerts are sent to.
	Alertmanager string `yaml:"alertmanager,omitempty"`
	// Issues are where an issue about a leak is opened.
	Issues []IssueLink `yaml:"issues,omitempty"`
}

// CompareLink is where two versions of a service are compared.
type CompareLink struct {
	// Matchers of the labels of the service; empty: all.
	Matchers []string `yaml:"matchers,omitempty"`
	// URL is a template with {previous}, {version} and {label}.
	URL string `yaml:"url,omitempty"`
}

// IssueLink is where an issue about a leak is opened.
type IssueLink struct {
	// Name of the tracker, as the link says it.
	Name string `yaml:"name,omitempty"`
	// Matchers of the labels of the service; empty: all.
	Matchers []string `yaml:"matchers,omitempty"`
	// URL is a template with {title}, {body}, {version} and {label}.
	URL string `yaml:"url,omitempty"`
}

// Owner names the owner of some services.
type Owner struct {
	// Matchers of the labels of the service and of its instances; empty: all.
	Matchers []string `yaml:"matchers,omitempty"`
	// Owner is a name, in which {label} stands for the value of a label.
	Owner string `yaml:"owner,omitempty"`
}

// owner checks an entry of the section owners.
func (v *validator) owner(field string, o *Owner) {
	if strings.TrimSpace(o.Owner) == "" {
		v.add(field+".owner", errors.New("is empty, expected a name, e.g. '{team}' or '#payments-oncall'"))
	}
	v.matchers(field, o.Matchers)
}

func (v *validator) matchers(field string, matchers []string) {
	if len(matchers) > 0 {
		_, err := ParseMatchers(matchers)
		v.check(field+".matchers", strings.Join(matchers, ", "), err, `label matchers, e.g. job=~"a|b"`)
	}
}

// SourceLink is where the source of some services can be looked at.
type SourceLink struct {
	// Matchers of the labels of the service; empty: all.
	Matchers []string `yaml:"matchers,omitempty"`
	// Prefix of the files that it is about, which {path} is without.
	Prefix string `yaml:"prefix,omitempty"`
	// URL is a template with {version}, {path} and {line}.
	URL string `yaml:"url,omitempty"`
	// Commits says where the commits of the files are asked for; nil: nowhere.
	Commits *Commits `yaml:"commits,omitempty"`
}

// Commits is the API of a Git forge.
type Commits struct {
	// API is "github" or "gitlab".
	API string `yaml:"api,omitempty"`
	// URL is the address of the API; empty: that of the host of the source.
	URL              string                     `yaml:"url,omitempty"`
	HTTPClientConfig commoncfg.HTTPClientConfig `yaml:"http_config,omitempty"`
}

// UnmarshalYAML decodes the section over its defaults.
func (c *Commits) UnmarshalYAML(unmarshal func(any) error) error {
	*c = Commits{HTTPClientConfig: commoncfg.DefaultHTTPClientConfig}
	type commitsSection Commits
	return unmarshal((*commitsSection)(c))
}

// commits checks where commits are asked for. source is the address of a line.
func (v *validator) commits(field, source string, c *Commits) {
	if _, err := forge.NewRepo(forge.Options{Kind: forge.Kind(c.API), Template: source, API: c.URL, Client: http.DefaultClient}); err != nil {
		v.add(field, err)
	}
	v.add(field+".http_config", c.HTTPClientConfig.Validate())
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
		v.matchers(field, s.Matchers)
		if s.Commits != nil {
			v.commits(field+".commits", s.URL, s.Commits)
		}
	}
	for i, x := range l.Compare {
		field := fmt.Sprintf("links.compare[%d]", i)
		if x.URL == "" {
			v.add(field+".url", errors.New("is empty, expected e.g. https://github.com/org/{job}/compare/{previous}...{version}"))
		}
		v.template(field+".url", x.URL, nil)
		v.matchers(field, x.Matchers)
	}
	for i, x := range l.Issues {
		field := fmt.Sprintf("links.issues[%d]", i)
		if x.Name == "" {
			v.add(field+".name", errors.New("is empty, expected the name of the tracker, e.g. GitHub"))
		}
		if x.URL == "" {
			v.add(field+".url", errors.New("is empty, expected e.g. https://github.com/org/{job}/issues/new?title={title}&body={body}"))
		}
		v.template(field+".url", x.URL, nil)
		v.matchers(field, x.Matchers)
	}
	v.template("links.dashboard", l.Dashboard, nil)
	v.template("links.runbook", l.Runbook, nil)
	v.template("links.alertmanager", l.Alertmanager, []string{})
}
