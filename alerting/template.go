package alerting

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"text/template"
	"time"

	amtemplate "github.com/prometheus/alertmanager/template"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// The largest sizes of annotations from templates, one and all together, in bytes.
const (
	maxOwn    = 1000
	maxAllOwn = 2000
)

// Templates are annotations that users write: Go templates with the functions of
// Alertmanager's templates.
type Templates struct {
	names []string // sorted
	all   map[string]*template.Template
}

// NewTemplates parses templates, which are given by the name of the annotation, and
// runs them on an example. It reports all mistakes at once.
func NewTemplates(texts map[string]string) (*Templates, error) {
	t := &Templates{names: slices.Sorted(maps.Keys(texts)), all: make(map[string]*template.Template, len(texts))}
	var errs []error
	for _, name := range t.names {
		parsed, err := template.New(name).Option("missingkey=zero").Funcs(template.FuncMap(amtemplate.DefaultFuncs)).Parse(texts[name])
		if err == nil {
			t.all[name] = parsed
			_, err = run(parsed, example())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("alerting.annotations.%s: %q: %w, expected a template such as {{ .Labels.job }} leaks {{ .Leak.GrowthPerHour }} goroutines/h", name, texts[name], err))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return t, nil
}

// Data is what a template gets: the fields that Alertmanager's templates have under
// the same names, and the leak.
type Data struct {
	Labels amtemplate.KV
	// Annotations are those that the alert has without templates, in full length.
	Annotations  amtemplate.KV
	StartsAt     time.Time
	GeneratorURL string // of the leak's page
	ExternalURL  string
	Leak         LeakData
}

// LeakData is a leak as templates see it.
type LeakData struct {
	ID       string
	Service  amtemplate.KV
	State    string // firing or resolved
	Evidence string
	Version  string
	Onset    time.Time
	// GrowthPerHour and Leaked are in goroutines, Share is 0 to 1.
	GrowthPerHour, Leaked, Share float64
	// HoursToLimit is to the first known limit; +Inf without one.
	HoursToLimit   float64
	Instances      []string
	InstancesTotal int
	// Function, File and Line are where it leaks, Operation what its goroutines
	// wait in; empty without a stack.
	Function, File, Operation string
	Line                      int
}

func newData(l leak.Leak, a Alert, o RenderOptions) Data {
	d := Data{
		Labels: inertLabels(a.Labels), Annotations: a.Annotations, StartsAt: a.StartsAt, GeneratorURL: a.GeneratorURL,
		Leak: LeakData{
			ID: l.ID, Service: inertLabels(l.Service), State: string(l.State), Evidence: string(l.Evidence), Version: inert(l.Version), Onset: l.Onset,
			GrowthPerHour: l.Rate.Value, Leaked: l.Leaked, Share: l.Share, HoursToLimit: timeToLimit(l, o),
			InstancesTotal: l.InstancesTotal,
		},
	}
	for _, i := range l.Instances {
		d.Leak.Instances = append(d.Leak.Instances, inert(i))
	}
	if o.ExternalURL != nil {
		d.ExternalURL = o.ExternalURL.String()
	}
	if len(l.Stacks) > 0 {
		f := lead(l.Stacks[0])
		d.Leak.Function, d.Leak.File, d.Leak.Line, d.Leak.Operation = inert(f.Func), inert(f.File), f.Line, inert(l.Stacks[0].Op)
	}
	return d
}

// apply replaces annotations of an alert by what the templates write, and shortens
// the others where all together would be too long.
func (t *Templates) apply(all []annotation, l leak.Leak, a Alert, o RenderOptions) map[string]string {
	own := t.execute(l, a, o)
	weight := 0
	for name, value := range own {
		weight += len(name) + len(value)
	}
	rest := fitAnnotations(slices.DeleteFunc(slices.Clone(all), func(x annotation) bool { _, ok := own[x.name]; return ok }), l, maxAnnotations-weight)
	maps.Copy(rest, own)
	return rest
}

// execute runs the templates for an alert. a has its annotations in full.
func (t *Templates) execute(l leak.Leak, a Alert, o RenderOptions) map[string]string {
	d := newData(l, a, o)
	own := make(map[string]string, len(t.all))
	left := maxAllOwn
	for _, name := range t.names {
		text, err := run(t.all[name], d)
		if err != nil { // a mistake that the example did not show
			text = "the template failed: " + human.Line(err.Error(), 200)
		}
		text = cutLines(text, max(min(maxOwn, left-len(name)), 0))
		left -= len(name) + len(text)
		own[name] = text
	}
	// A template that writes nothing replaces nothing.
	maps.DeleteFunc(own, func(_, text string) bool { return text == "" })
	return own
}

// run executes a template within bounds. The result consists of inert lines.
func run(t *template.Template, d Data) (string, error) {
	var b bounded
	if err := t.Execute(&b, d); err != nil {
		return "", err
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		lines = append(lines, strings.TrimRight(human.Line(line, maxOwn), " "))
	}
	return strings.TrimSpace(strings.Join(lines, "\n")), nil
}

// bounded keeps what a template writes, up to a size far above any useful one.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	const most = 64 << 10
	if b.Len()+len(p) > most {
		return 0, fmt.Errorf("writes more than %d KiB", most>>10)
	}
	return b.Builder.Write(p)
}

// example returns the data that templates are tried on.
func example() Data {
	l := leak.Leak{
		ID: "3f9c2a7b41de", Service: labels.FromStrings("namespace", "prod", "job", "checkout"), State: leak.Firing, Evidence: leak.Stack,
		Onset: time.Unix(0, 0), Leaked: 1904, Share: 0.97, Instances: []string{"10.0.0.7:8080"}, InstancesTotal: 1,
		Stacks: []leak.StackGrowth{{Op: "chan send"}},
	}
	l.Rate.Value = 212
	l.Stacks[0].Key.Func, l.Stacks[0].Key.File, l.Stacks[0].Key.Line = "main.handle", "handler.go", 29
	o := RenderOptions{ExternalURL: &url.URL{Scheme: "http", Host: "localhost:10980"}}
	return newData(l, Render(l, Warning, o), o)
}
