package trend

import "math"

// habits are rises of one kind that a service has come back from, or that its
// processes made after their start. Alike ones are counted as one.
type habits struct {
	list []seenHabit
	n    float32 // occasions: rises, or starts with and without one
}

// seenHabit is so many rises that were alike.
type seenHabit struct {
	times, hours, ratio float32
}

// maxHabits is how many kinds of rise are kept. Those seen least and smallest go.
const maxHabits = 10

// occasion notes one that could have brought a rise.
func (h *habits) occasion() *habits {
	if h == nil {
		h = &habits{}
	}
	h.n++
	return h
}

// note takes a rise that has ended.
func (h *habits) note(hours, ratio float64) {
	for i := range h.list {
		x := &h.list[i]
		if math.Abs(math.Log(hours/float64(x.hours))) < alikeHours && math.Abs(math.Log(ratio/float64(x.ratio))) < alikeRatio {
			// A mean that follows later ones, too.
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

// expect appends what the rises seen let expect, if each was one of so many
// occasions.
func (h *habits) expect(occasions float64) (out []habit) {
	if h == nil {
		return nil
	}
	for _, x := range h.list {
		out = append(out, habit{
			often: float64(x.times) / occasions,
			hours: float64(x.hours), spread: alikeHours,
			ratio: float64(x.ratio), wide: alikeRatio,
		})
	}
	return out
}
