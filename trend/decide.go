package trend

// decide picks the scale whose finding counts; -1 means that none has enough blocks. base is the
// length of a base block in ms.
func decide(found *[nScales]compactFinding, base int64) int {
	best := -1
	for k := range found {
		f := &found[k]
		if f.status == 0 {
			continue
		}
		if best < 0 || beats(f, &found[best], k, best, base) {
			best = k
		}
	}
	return best
}

// beats reports whether the finding of a longer scale l counts more than that of a shorter scale
// s. If both show the same rise, the one that shows its beginning counts. If both do, the shorter
// one counts, because it shows the shape, unless the longer one is clearer.
func beats(longer, shorter *compactFinding, l, s int, base int64) bool {
	pace := func(f *compactFinding, k int) float32 { return f.slope[0] / float32(scales[k].mult) }
	if shorter.grows() && !longer.grows() && isTail(longer, shorter) && pace(longer, l) > 2*pace(shorter, s) {
		return true
	}
	if longer.grows() && shorter.grows() {
		oneRise := pace(shorter, s) < 2*pace(longer, l)
		length := int64(longer.blocks) * int64(scales[l].mult) * base
		apart := shorter.onset - longer.onset
		switch {
		case oneRise && (apart > length/5 || shorter.earlier) && longer.blocks >= enough:
			return true
		case oneRise && apart > -length/5 && apart <= length/5 && shorter.blocks >= enough && !shorter.earlier:
			return longer.z > shorter.z
		}
	}
	switch {
	case longer.status != shorter.status:
		return longer.status > shorter.status
	case longer.status == Quiet.rank():
		return longer.z > shorter.z
	}
	return longer.confidence > shorter.confidence
}

// isTail reports whether the rise of the shorter scale is the end of a much larger one, which has
// slowed down and which the longer scale shows.
func isTail(longer, shorter *compactFinding) bool {
	return longer.blocks >= enough && longer.onset < shorter.onset &&
		longer.grown > tailTimes*shorter.grown
}

func (k *compactFinding) grows() bool { return statuses()[k.status].Grows() }
