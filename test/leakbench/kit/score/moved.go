package score

import (
	"fmt"
	"slices"
)

// Moved lists the services on which two reports on the same data differ: in whether and when a
// leak was found, by which evidence, and in when it ended.
func Moved(a, b *Report) (services []string) {
	x, y := decisions(a), decisions(b)
	for service, list := range x {
		if !slices.Equal(list, y[service]) {
			services = append(services, service)
		}
	}
	for service := range y {
		if x[service] == nil {
			services = append(services, service)
		}
	}
	slices.Sort(services)
	return services
}

// decisions lists what a report says of each service.
func decisions(r *Report) map[string][]string {
	out := map[string][]string{}
	for i := range r.Leaks {
		f := &r.Leaks[i]
		lead := ""
		if len(f.Stacks) > 0 {
			lead = f.Stacks[0].Signature
		}
		k := key(f.Service.Namespace, f.Service.Job)
		out[k] = append(out[k], fmt.Sprint(f.DetectedAt, f.State, f.Evidence, f.ResolvedAt, lead))
	}
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}
