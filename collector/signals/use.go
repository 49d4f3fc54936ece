package signals

// Use says how many instances have a signal by which metric.
type Use struct {
	// Signal is goroutines, load or start_time, as in the configuration.
	Signal string
	// Name is the metric or expression, empty: the instances have none.
	Name      string
	Instances int
}

// Uses names the counts of instances by rank, which have those without any metric at the
// end. The order is that of goroutines, load and start.
func Uses(s Set, counts [3][]int) []Use {
	var out []Use
	for i, l := range []List{s.Goroutines, s.Load, s.Start} {
		for rank, n := range counts[i] {
			if n == 0 {
				continue
			}
			u := Use{Signal: [...]string{"goroutines", "load", "start_time"}[i], Instances: n}
			if rank < len(l) {
				u.Name = l[rank].Name
			}
			out = append(out, u)
		}
	}
	return out
}
