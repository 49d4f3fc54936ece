package human

// Closest returns the word of the list that was most likely meant by the given one: with one
// slip, or two in a word of five letters or more. A slip is a letter too many, too few, wrong,
// or swapped with its neighbour. Empty: none.
func Closest(word string, list []string) string {
	best, fewest := "", 2
	if len(word) >= 5 {
		fewest = 3
	}
	for _, w := range list {
		if n := slips(word, w, fewest); n < fewest {
			best, fewest = w, n
		}
	}
	return best
}

// slips returns the number of slips between two words, or most if it is not less.
func slips(a, b string, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	// Rows of the table of distances between the beginnings of a and b.
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			wrong := 1
			if a[i] == b[j] {
				wrong = 0
			}
			row[j+1] = min(last[j]+wrong, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], most)
}
