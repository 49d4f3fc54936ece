package scan

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/leak"
)

// row is a leak as a person reads it.
type row struct {
	service, growth, since, leaked, instances, curve, why string
}

var header = row{"SERVICE", "GROWTH/H", "SINCE", "LEAKED", "INSTANCES", "FLOOR", "WHY"}

func (r row) cells() []string {
	return []string{r.service, r.growth, r.since, r.leaked, r.instances, r.curve, r.why}
}

// rows are the leaks, open ones first, the largest first.
func (r *Result) rows() []row {
	leaks := slices.Clone(r.Leaks)
	slices.SortStableFunc(leaks, func(a, b leak.Leak) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Leaked, a.Leaked), cmp.Compare(b.Rate.Value, a.Rate.Value))
	})
	var out []row
	for _, l := range leaks {
		out = append(out, row{
			service:   human.Line(alerting.ServiceName(l.Service), 40),
			growth:    "+" + human.Number(l.Rate.Value),
			since:     human.Time(l.Onset, r.End),
			leaked:    human.Number(l.Leaked),
			instances: fmt.Sprintf("%d of %d", len(l.Instances), l.InstancesTotal),
			curve:     sparkline(r.curves.of(l.Service), 24),
			why:       why(l),
		})
	}
	return out
}

func rank(l leak.Leak) int {
	if l.State == leak.Firing {
		return 0
	}
	return 1
}

// why says in a few words why we believe it, and what became of it.
func why(l leak.Leak) string {
	var s string
	if len(l.Stacks) > 0 {
		st := l.Stacks[0]
		s = fmt.Sprintf("%s in %s %s, %s of the growth", st.Op, human.Func(st.Key.Func, 50), human.Place(st.Key.File, st.Key.Line), human.Percent(st.Share))
	} else {
		s = fmt.Sprintf("the floor grew for %s before the alarm and never came back", human.Duration(l.DetectedAt.Sub(l.Onset)))
	}
	if l.State == leak.Resolved {
		s += fmt.Sprintf("; resolved %s: %s", human.Time(l.ResolvedAt, l.DetectedAt), l.Resolution)
	}
	return s
}

// summary is the sentence that stands above or below everything.
func (r *Result) summary() string {
	open := 0
	for _, l := range r.Leaks {
		if l.State == leak.Firing {
			open++
		}
	}
	n := int64(len(r.Leaks))
	what := "no leak"
	if n > 0 {
		what = fmt.Sprintf("%s, %d open", human.Plural(n, "leak", "leaks"), open)
	}
	return fmt.Sprintf("%s in %s of %s from %s to %s, a sample every %s.", what,
		human.Plural(int64(r.Series), "series", "series"), human.Plural(int64(r.Services), "service", "services"),
		human.FullTime(r.Start), human.FullTime(r.End), shortDuration(r.Step))
}

// shortDuration is a duration without units that are zero: "1m", not "1m0s".
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// Table writes the result for a terminal.
func (r *Result) Table(w io.Writer) error {
	rows := r.rows()
	if len(rows) > 0 {
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, row := range append([]row{header}, rows...) {
			fmt.Fprintln(tw, strings.Join(row.cells(), "\t"))
		}
		if err := tw.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintln(w, upperFirst(r.summary()))
	return err
}

func upperFirst(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

// Markdown writes the result for a pull request or a page.
func (r *Result) Markdown(w io.Writer) error {
	fmt.Fprintf(w, "%s\n", upperFirst(r.summary()))
	rows := r.rows()
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\n| service | growth/h | since | leaked | instances | floor | why |\n|---|--:|---|--:|---|---|---|\n")
	for _, row := range rows {
		cells := row.cells()
		for i := range cells {
			cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
		}
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")); err != nil {
			return err
		}
	}
	return nil
}
