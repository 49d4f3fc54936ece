package odds

import "math"

// Habits has the past rises of a service of one kind: those that fell back, or those after the
// starts of its processes. Similar rises are merged.
type Habits struct {
	list []seenHabit
	n    float32 // occasions: rises, or starts with and without one
	// unfinished is how many rises were still going on when their process ended.
	unfinished float32
}

// seenHabit is a number of similar rises, with their mean length and size.
type seenHabit struct {
	times, hours, ratio float32
}

// maxHabits is how many different rises are remembered. The rarest and smallest is dropped.
const maxHabits = 10

// Occasion counts a chance for a rise: a rise, or a start. It makes Habits if h is nil.
func (h *Habits) Occasion() *Habits {
	if h == nil {
		h = &Habits{}
	}
	h.n++
	return h
}

// Note adds a rise that has ended.
func (h *Habits) Note(hours, ratio float64) {
	for i := range h.list {
		x := &h.list[i]
		if math.Abs(math.Log(hours/float64(x.hours))) < alike && math.Abs(math.Log(ratio/float64(x.ratio))) < alike {
			// A mean in which the latest rise counts for an eighth at least.
			w := 1 / min(float64(x.times)+1, 8)
			x.hours *= float32(math.Pow(hours/float64(x.hours), w))
			x.ratio *= float32(math.Pow(ratio/float64(x.ratio), w))
			x.times++
			return
		}
	}
	if len(h.list) == maxHabits {
		least := 0
		for i, x := range h.list {
			if y := h.list[least]; x.times*x.ratio < y.times*y.ratio {
				least = i
			}
		}
		h.list[least] = h.list[len(h.list)-1]
		h.list = h.list[:len(h.list)-1]
	}
	h.list = append(h.list, seenHabit{1, float32(hours), float32(ratio)})
}

// Expect returns the past rises as habits. occasions is the number of days or starts in which they
// were seen.
func (h *Habits) Expect(occasions float64) (out []Habit) {
	if h == nil {
		return nil
	}
	for _, x := range h.list {
		out = append(out, Habit{
			Often: float64(x.times) / occasions,
			Hours: float64(x.hours), Spread: alike,
			Ratio: float64(x.ratio), Wide: alike,
		})
	}
	return out
}

// Seen returns how many occasions there were.
func (h *Habits) Seen() float64 {
	if h == nil {
		return 0
	}
	return float64(h.n)
}

// NoteUnfinished counts a rise that went on until the end of its process.
func (h *Habits) NoteUnfinished() { h.unfinished++ }

// Unfinished returns how many rises went on until the end of their process.
func (h *Habits) Unfinished() float64 {
	if h == nil {
		return 0
	}
	return float64(h.unfinished)
}
