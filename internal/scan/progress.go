package scan

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
)

// Bar shows progress on one line of a terminal.
func Bar(w io.Writer, began time.Time, now func() time.Time) (show func(Progress), wipe func()) {
	const width = 30
	longest := 0
	line := func(s string) {
		n := len([]rune(s))
		fmt.Fprintf(w, "\r%s%s", s, strings.Repeat(" ", max(0, longest-n)))
		longest = max(longest, n)
	}
	show = func(p Progress) {
		full := min(max(int(p.Done*width), 0), width)
		left := ""
		if spent := now().Sub(began); p.Done > 0.02 && p.Done < 1 {
			left = ", about " + human.Duration(time.Duration(float64(spent)*(1-p.Done)/p.Done)) + " left"
		}
		line(fmt.Sprintf("[%s%s] %3.0f %%  %s  %s, %s%s", strings.Repeat("=", full), strings.Repeat(" ", width-full), 100*p.Done,
			human.FullTime(p.At), human.Plural(int64(p.Series), "series", "series"), human.Plural(int64(p.Leaks), "leak", "leaks"), left))
	}
	wipe = func() {
		line("")
		fmt.Fprint(w, "\r")
	}
	return show, wipe
}
