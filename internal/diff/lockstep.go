package diff

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// Lockstep is stacks whose counts have an exact ratio, now and in their growth: each start adds
// a fixed number to each of them. It is usually one leak.
type Lockstep struct {
	// Members are indices of the report's stacks.
	Members []int
	// Ratio is how many goroutines of each belong together, in the order of Members.
	Ratio []int
	// Base and Head are the sums of their counts.
	Base, Head int64
}

// Growth returns the number of additional goroutines in all of them.
func (l Lockstep) Growth() int64 { return l.Head - l.Base }

// RatioText is "1:1:2".
func (l Lockstep) RatioText() string {
	parts := make([]string, len(l.Ratio))
	for i, n := range l.Ratio {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ":")
}

// The bounds of an exact ratio. Small counts are near some ratio by chance, above all if it may
// have large numbers.
const (
	minLockstepGrowth = 10
	maxRatio          = 4
	ratioTolerance    = 0.02
	// maxLockstep is the number of stacks, those that grew most, among which groups are
	// searched.
	maxLockstep = 500
)

// findLockstep finds the groups among the stacks that grew most. Members share a module
// or the function that started them with another member.
func findLockstep(stacks []Stack) []Lockstep {
	var grown []int
	for i, s := range stacks {
		if s.Growth() < minLockstepGrowth || len(grown) == maxLockstep {
			break // sorted by growth
		}
		grown = append(grown, i)
	}
	origins := make([]map[string]bool, len(grown))
	for n, i := range grown {
		origins[n] = originsOf(stacks[i].Delta.Stack)
	}
	var groups []Lockstep
	taken := make([]bool, len(grown))
	for n := range grown {
		if taken[n] {
			continue
		}
		members := []int{n}
		in := map[int]bool{n: true}
		for at := 0; at < len(members); at++ {
			for m := n + 1; m < len(grown); m++ {
				if !taken[m] && !in[m] && share(origins[members[at]], origins[m]) && inRatio(stacks[grown[n]], stacks[grown[m]]) {
					members, in[m] = append(members, m), true
				}
			}
		}
		if len(members) < 2 {
			continue
		}
		slices.Sort(members)
		g := Lockstep{}
		for _, m := range members {
			taken[m] = true
			s := stacks[grown[m]]
			g.Members = append(g.Members, grown[m])
			g.Base += s.Base
			g.Head += s.Head
		}
		g.Ratio = ratios(stacks, g.Members)
		groups = append(groups, g)
	}
	slices.SortStableFunc(groups, func(a, b Lockstep) int { return cmp.Compare(b.Growth(), a.Growth()) })
	return groups
}

// inRatio reports whether the counts of two stacks, and their growth, have the same ratio of
// small numbers. a grew no less than b.
func inRatio(a, b Stack) bool {
	p, q, ok := ratio(a.Growth(), b.Growth())
	return ok && near(float64(a.Head)*float64(q), float64(b.Head)*float64(p))
}

// ratio returns the smallest p and q with a:b = p:q, if there are small ones.
func ratio(a, b int64) (p, q int, ok bool) {
	for q := 1; q <= maxRatio; q++ {
		for p := q; p <= maxRatio; p++ {
			if near(float64(a)*float64(q), float64(b)*float64(p)) {
				return p, q, true
			}
		}
	}
	return 0, 0, false
}

func near(a, b float64) bool {
	return max(a, b)-min(a, b) <= ratioTolerance*min(a, b)
}

// ratios returns the smallest whole numbers near the ratio of the members' growth.
func ratios(stacks []Stack, members []int) []int {
	least := stacks[members[len(members)-1]].Growth()
	out := make([]int, len(members))
	for unit := 1; unit <= maxRatio*maxRatio; unit++ {
		exact := true
		for i, m := range members {
			x := float64(stacks[m].Growth()) / float64(least) * float64(unit)
			out[i] = max(1, int(x+0.5))
			exact = exact && near(x, float64(out[i]))
		}
		if exact {
			break
		}
	}
	return out
}

// originsOf returns the modules of a stack's frames, the package of its goroutines' first
// function, and the function that started them.
func originsOf(s *stack.Stack) map[string]bool {
	out := map[string]bool{}
	for i, f := range s.Frames {
		if !stack.Standard(*f) {
			out["module "+moduleOf(f.Func)] = true
		} else if i == len(s.Frames)-1 {
			out["package "+packageOf(f.Func)] = true
		}
	}
	if s.CreatedBy != (collector.Frame{}) {
		out["created by "+s.CreatedBy.Func] = true
	}
	return out
}

func share(a, b map[string]bool) bool {
	for k := range a {
		if b[k] {
			return true
		}
	}
	return false
}

// packageOf returns the import path of a function: "net/http" of "net/http.(*conn).serve".
func packageOf(name string) string {
	if i := strings.IndexAny(name, "[("); i >= 0 {
		name = name[:i] // type arguments may hold other import paths
	}
	slash := strings.LastIndexByte(name, '/') + 1
	if dot := strings.IndexByte(name[slash:], '.'); dot >= 0 {
		return name[:slash+dot]
	}
	return name
}

// moduleOf returns the module of a function, as its path shows: three elements if the first is
// a forge, else two.
func moduleOf(name string) string {
	parts := strings.Split(packageOf(name), "/")
	n := 2
	switch parts[0] {
	case "github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "golang.org", "sigs.k8s.io":
		n = 3
	}
	return strings.Join(parts[:min(n, len(parts))], "/")
}
