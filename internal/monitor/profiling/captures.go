package profiling

import (
	"cmp"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/ondemand"
)

// Captures are the captures of all services, oldest first, at most ondemand.MaxCaptures.
type Captures struct{ list []*Capture }

// Add adds the captures of a request.
func (c *Captures) Add(list ...*Capture) {
	c.list = append(c.list, list...)
	c.bound()
}

// Restore adds captures of earlier runs that belong to watched services.
func (c *Captures) Restore(list []ondemand.Capture, owns func(service labels.Labels) bool) {
	known := map[string]bool{}
	for _, x := range c.list {
		known[x.ID] = true
	}
	for _, x := range list {
		if !known[x.ID] && owns(x.Service) {
			c.list = append(c.list, &Capture{Capture: x, Saved: true})
		}
	}
	slices.SortFunc(c.list, func(a, b *Capture) int { return cmp.Compare(a.ID, b.ID) })
	c.bound()
}

// bound drops the oldest captures, if there are too many.
func (c *Captures) bound() {
	if n := len(c.list) - ondemand.MaxCaptures; n > 0 {
		c.list = slices.Delete(c.list, 0, n)
	}
}

// List returns the captures, the newest first.
func (c *Captures) List() []ondemand.Capture {
	out := make([]ondemand.Capture, 0, len(c.list))
	for _, x := range slices.Backward(c.list) {
		out = append(out, x.Capture)
	}
	return out
}

// Unsaved returns the captures that the archive does not have in their present state.
func (c *Captures) Unsaved() (out []*Capture) {
	for _, x := range c.list {
		if !x.Saved {
			out = append(out, x)
		}
	}
	return out
}

// ForgetArchive marks all as unsaved, because the archive was replaced.
func (c *Captures) ForgetArchive() {
	for _, x := range c.list {
		x.Saved = false
	}
}
