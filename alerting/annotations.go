package alerting

import (
	"slices"

	"github.com/gorowatch/gorowatch/leak"
)

// The largest sizes of the parts of an alert. Receivers such as Slack cut longer texts
// anywhere.
const (
	maxSummary     = 120  // characters
	maxDescription = 1000 // bytes
	maxStackDiff   = 1500 // bytes
	maxFrames      = 10   // in stack_diff
	maxAnnotations = 3000 // bytes, names and values together
	maxEvidence    = 400  // characters
)

// annotation is one annotation of an alert. An empty value means there is none.
type annotation struct{ name, value string }

// annotationMap returns the annotations that have a value.
func annotationMap(all []annotation) map[string]string {
	m := make(map[string]string, len(all))
	for _, x := range all {
		if x.value != "" {
			m[x.name] = x.value
		}
	}
	return m
}

// fitAnnotations shortens and drops annotations, the least important first, until
// they take at most size bytes together.
func fitAnnotations(full []annotation, l leak.Leak, size int) map[string]string {
	all := slices.Clone(full) // the caller keeps the whole for templates
	weight := func() (n int) {
		for _, x := range all {
			if x.value != "" {
				n += len(x.name) + len(x.value)
			}
		}
		return n
	}
	shorten := func(name, value string) {
		for i := range all {
			if all[i].name == name && len(value) < len(all[i].value) {
				all[i].value = value
			}
		}
	}
	for _, step := range []func(){
		// Another annotation or the page has it as well.
		func() { shorten("description", shortDescription(l)) },
		func() { shorten("pprof_command", "") },
		func() { shorten("evidence", string(l.Evidence)) },
		// The tail of the stacks, and detail.
		func() { shorten("stack_diff", stackDiff(l, maxStackDiff*2/3)) },
		func() { shorten("growth", shortGrowth(l)) },
		func() { shorten("profile_base", ""); shorten("profile_head", "") },
		func() { shorten("image_url", "") },
		func() { l.Version = ""; shorten("onset", onset(l)) },
		func() { shorten("stack_diff", leadDiff(l)) },
		func() { shorten("description", "") },
		// Needed only if templates take most of the room, or everything has its greatest
		// length.
		func() { shorten("growth", "") },
		func() { shorten("projection", "") },
		func() { shorten("evidence", "") },
		func() { shorten("onset", "") },
		func() { shorten("dashboard_url", "") },
		func() { shorten("runbook_url", "") },
		func() { shorten("stack_diff", stackDiff(l, max(size, 0)/2)) },
	} {
		if weight() <= size {
			break
		}
		step()
	}
	return annotationMap(all)
}
