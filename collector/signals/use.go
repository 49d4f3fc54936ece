package signals

// Use says how many instances have a signal by which metric.
type Use struct {
	// Signal is goroutines, load or start_time, as in the configuration.
	Signal string
	// Name is the metric or expression, empty: the instances have none.
	Name      string
	Instances int
}

// Counts counts instances by the rank of their metric of each signal: goroutines, load and
// start. Those without any metric come last.
type Counts [3][]int

// NewCounts makes Counts for a Set.
func (s *Set) NewCounts() Counts {
	return Counts{make([]int, len(s.Goroutines)+1), make([]int, len(s.Load)+1), make([]int, len(s.Start)+1)}
}

// Add adds an instance, by the ranks of its metrics, -1: none.
func (c *Counts) Add(ranks [3]int) {
	for i, rank := range ranks {
		if rank < 0 {
			rank = len(c[i]) - 1
		}
		c[i][rank]++
	}
}

// Uses names the metrics that are counted.
func Uses(s Set, counts Counts) []Use {
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
