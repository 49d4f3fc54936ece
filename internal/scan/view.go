package scan

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// View describes how the result is shown.
type View struct {
	// Width of the terminal in columns. 0: no terminal, lines may have any length.
	Width int
	// Limit is the most rows of a table. 0: any number.
	Limit int
	// Verbose adds details.
	Verbose bool
}

// grid is a table for a terminal. Its last column is wrapped.
type grid struct {
	rows [][]string
	// numbers are the columns whose cells stand at the right.
	numbers map[int]bool
}

// least that is left to the last column, whatever the width is.
const leastColumn = 20

// widths returns those of all columns but the last.
func (g grid) widths() []int {
	out := make([]int, len(g.rows[0])-1)
	for i := range out {
		for _, row := range g.rows {
			out[i] = max(out[i], utf8.RuneCountInString(row[i]))
		}
	}
	return out
}

// left returns where the last column begins.
func (g grid) left() (n int) {
	for _, w := range g.widths() {
		n += w + 2
	}
	return n
}

// lines returns the rows, none longer than width if they can be so; 0: of any
// length.
func (g grid) lines(width int) []string {
	if len(g.rows) == 0 {
		return nil
	}
	last := len(g.rows[0]) - 1
	widths, left := g.widths(), g.left()
	rest := 0
	if width > 0 {
		rest = max(width-left, leastColumn)
	}
	var out []string
	for _, row := range g.rows {
		var b strings.Builder
		for i, w := range widths {
			gap := strings.Repeat(" ", w-utf8.RuneCountInString(row[i]))
			if g.numbers[i] {
				b.WriteString(gap + row[i] + "  ")
			} else {
				b.WriteString(row[i] + gap + "  ")
			}
		}
		for i, part := range wrap(row[last], rest) {
			if i == 0 {
				out = append(out, strings.TrimRight(b.String()+part, " "))
				continue
			}
			out = append(out, strings.Repeat(" ", left)+part)
		}
	}
	return out
}

// without returns the grid without a column.
func (g grid) without(column int) grid {
	out := grid{numbers: map[int]bool{}}
	for _, row := range g.rows {
		out.rows = append(out.rows, slices.Delete(slices.Clone(row), column, column+1))
	}
	for i := range g.numbers {
		if i < column {
			out.numbers[i] = true
		} else if i > column {
			out.numbers[i-1] = true
		}
	}
	return out
}

// narrower returns the grid with every nth character of a column alone, below its
// name.
func (g grid) narrower(column, n int) grid {
	out := grid{numbers: g.numbers}
	for i, row := range g.rows {
		row = slices.Clone(row)
		if i > 0 {
			var b strings.Builder
			for j, r := range []rune(row[column]) {
				if j%n == 0 {
					b.WriteRune(r)
				}
			}
			row[column] = b.String()
		}
		out.rows = append(out.rows, row)
	}
	return out
}

// wrap breaks s between words into lines of at most n characters, where its
// words are not longer themselves; 0: one line.
func wrap(s string, n int) []string {
	if n <= 0 {
		return []string{s}
	}
	var out []string
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > n:
			out = append(out, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(out, line)
}

// stamp writes a time of the months before end, in UTC.
func stamp(t, end time.Time) string {
	t = t.UTC()
	if end.Sub(t) < 300*24*time.Hour {
		return t.Format("Jan _2 15:04")
	}
	return t.Format("Jan _2 2006")
}
