package grouping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// programs are the labels that name a program, the most specific ones first. Those of
// OpenTelemetry come with their own namespace.
var programs = []string{"service_name", "app_kubernetes_io_name", "app", "service", "container"}

// Observer collects the labels of instances.
type Observer struct {
	groupBy []string
	seen    map[uint64]bool // hashes of labels
	n       int
	present map[string]int // instances that have a label, of groupBy and programs
	outside int            // instances with none of groupBy
	named   map[string]int // of those: instances that have a label of programs
	other   map[string]bool
	groups  map[string]*group
	mixed   map[string]*group // the first group that mixes values of a label
}

// group is the first value of each label of programs in a service.
type group struct {
	service labels.Labels
	values  []string
	another string // another value of the mixed label
}

// New makes an Observer of services that are formed by some labels.
func New(groupBy []string) *Observer {
	return &Observer{groupBy: groupBy, seen: map[uint64]bool{}, present: map[string]int{}, named: map[string]int{}, other: map[string]bool{}, groups: map[string]*group{}, mixed: map[string]*group{}}
}

// Add adds the labels of an instance. The same instance may come again.
func (o *Observer) Add(ls labels.Labels) {
	hash := ls.Hash()
	if o.seen[hash] {
		return
	}
	o.seen[hash] = true
	o.n++
	grouped := false
	for _, name := range o.groupBy {
		if ls.Has(name) {
			o.present[name]++
			grouped = true
		}
	}
	if !grouped {
		o.outside++
		for _, name := range programs {
			if ls.Has(name) {
				o.named[name]++
			}
		}
	}
	if len(o.other) < 50 {
		ls.Range(func(l labels.Label) { o.other[l.Name] = true })
	}
	service := labels.NewBuilder(ls).Keep(o.groupBy...).Labels()
	key := string(service.Bytes(nil))
	g := o.groups[key]
	if g == nil {
		g = &group{service: service, values: make([]string, len(programs))}
		o.groups[key] = g
	}
	for i, name := range programs {
		v := ls.Get(name)
		switch {
		case v == "":
		case g.values[i] == "":
			g.values[i] = v
		case g.values[i] != v && o.mixed[name] == nil && !slices.Contains(o.groupBy, name):
			o.mixed[name] = &group{service: g.service, values: []string{g.values[i]}, another: v}
		}
	}
}

// Missing returns an error if no instance has a label of the list.
func (o *Observer) Missing() error {
	if o.n == 0 {
		return nil
	}
	for _, name := range o.groupBy {
		if o.present[name] == 0 {
			have := make([]string, 0, len(o.other))
			for other := range o.other {
				have = append(have, other)
			}
			slices.Sort(have)
			return fmt.Errorf("no series has the label %q; they have %s", name, strings.Join(have, ", "))
		}
	}
	return nil
}

// Warnings say what is wrong with the labels and name those that fit better.
func (o *Observer) Warnings() (out []string) {
	if len(o.groupBy) == 0 {
		return nil
	}
	if o.outside > 0 {
		text := fmt.Sprintf("%d of %d instances have no label of services.group_by (%s), so they are one service", o.outside, o.n, strings.Join(o.groupBy, ", "))
		if i := slices.IndexFunc(programs, func(name string) bool { return o.named[name] == o.outside }); i >= 0 {
			by := programs[i]
			if by == "service_name" && o.other["service_namespace"] {
				by = "service_namespace, service_name"
			}
			text += fmt.Sprintf("; they have %s: set services.group_by: [%s]", programs[i], by)
		}
		return append(out, text)
	}
	for _, name := range programs {
		if m := o.mixed[name]; m != nil {
			return append(out, fmt.Sprintf("the service %s mixes instances with different %s, such as %q and %q: add %s to services.group_by to tell them apart",
				m.service, name, m.values[0], m.another, name))
		}
	}
	return out
}
