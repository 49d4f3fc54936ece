package scan

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/gorowatch/gorowatch/alerting"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/known"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// The columns of the table of leaks. Numbers are right-aligned.
var (
	leakHeader  = []string{"SERVICE", "GROWTH/H", "SINCE (UTC)", "LEAKED", "INSTANCES", "FLOOR", "WHY"}
	leakNumbers = map[int]bool{1: true, 3: true}
)

// The width of the floor leaves some room for the last column.
const (
	floorColumn = 5
	floorWidth  = 24
	whyColumn   = 30
)

// leakRows returns the leaks: open ones first, those that have stopped growing last, and within
// each the largest first.
func (r *Result) leakRows() [][]string {
	leaks := slices.Clone(r.Leaks)
	slices.SortStableFunc(leaks, func(a, b leak.Leak) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Leaked, a.Leaked), cmp.Compare(b.Rate.Value, a.Rate.Value))
	})
	var out [][]string
	for _, l := range leaks {
		floor, _ := r.curves.sum(r.curves.services[serviceKey(l.Service)], nil)
		leaked := "none now"
		if l.State == leak.Firing {
			leaked = human.Number(l.Leaked)
		}
		out = append(out, []string{
			human.Line(alerting.ServiceName(l.Service), 40),
			growthCell(l),
			r.since(l.Onset),
			leaked,
			fmt.Sprintf("%d of %d", len(l.Instances), l.InstancesTotal),
			sparkline(floor, floorWidth),
			r.why(l, floor),
		})
	}
	return out
}

// since returns how long ago something began. A leak that existed at the start may have begun
// before it.
func (r *Result) since(t time.Time) string {
	s := human.Duration(r.End.Sub(t)) + " ago, " + stamp(t, r.End)
	if t.Sub(r.Start) <= max(r.Step, r.End.Sub(r.Start)/points) {
		return ">" + s
	}
	return s
}

func rank(l leak.Leak) int {
	switch l.Phase() {
	case leak.Firing:
		return 0
	case leak.Plateaued:
		return 1
	}
	return 2
}

// growthCell says how fast a leak grows, or that it does not.
func growthCell(l leak.Leak) string {
	switch {
	case l.Phase() == leak.Plateaued:
		return string(leak.Plateaued)
	case alerting.Pause(l) != "" && len(l.Instances) == 0:
		return "none now"
	case alerting.Pause(l) != "":
		return "unknown"
	}
	return "+" + human.Number(l.Rate.Value)
}

// why says in a few words what the evidence is, and the outcome.
func (r *Result) why(l leak.Leak, floor []float64) string {
	var s string
	if len(l.Stacks) > 0 {
		st := l.Stacks[0]
		place := human.Place(st.Key.File, st.Key.Line)
		if m, ok := stack.ModuleOf(st.Key.File); ok {
			place += " (" + human.Line(m.Version, 48) + ")"
		}
		s = fmt.Sprintf("%s in %s %s%s, %s of the growth", st.Op, human.Func(st.Key.Func, 50), place, alerting.Related(st), human.Percent(st.Share))
	} else {
		s = r.course(l, floor)
	}
	if m, ok := known.BuiltIn().Match(l); ok {
		s += "; " + m.Name() + ": " + m.Short()
	}
	s += "; alarm after " + human.Duration(l.DetectedAt.Sub(l.Onset))
	switch why := alerting.Pause(l); {
	case l.State == leak.Resolved:
		s += fmt.Sprintf("; resolved %s: %s", stamp(l.ResolvedAt, r.End), l.Resolution)
	case l.Phase() == leak.Plateaued:
		s += "; plateaued since " + stamp(l.PlateauedAt, r.End)
	case why != "":
		s += "; " + why
	}
	return s
}

// course says how the floor went from the onset on.
func (r *Result) course(l leak.Leak, floor []float64) string {
	end := r.End
	if l.State == leak.Resolved {
		end = l.ResolvedAt
	}
	from := near(floor, r.curves.of(l.Onset.UnixMilli()))
	// The last bucket may have a restart, or few samples.
	to := near(floor, max(r.curves.of(end.UnixMilli())-1, 0))
	s := "floor " + human.Number(from) + " → " + human.Number(to)
	n := 0
	if c := r.curves.services[serviceKey(l.Service)]; c != nil {
		n = c.restartsIn(l.Onset.UnixMilli(), end.UnixMilli())
	}
	restarts := human.Plural(int64(n), "restart", "restarts")
	switch {
	case !(to-from >= max(8, l.Leaked/2)) && n > 0:
		s = "grows anew in each process, " + restarts
	case !(to-from >= max(8, l.Leaked/2)):
		s = "grows in each process"
	case n > 0:
		s += " despite " + restarts
	}
	return s
}

// counted returns the sentence above or below everything.
func (r *Result) counted() string {
	open, plateaued := 0, 0
	for _, l := range r.Leaks {
		if l.State == leak.Firing {
			open++
		}
		if l.Phase() == leak.Plateaued {
			plateaued++
		}
	}
	what := "No leak"
	if n := int64(len(r.Leaks)); n > 0 {
		what = fmt.Sprintf("%s, %d open", human.Plural(n, "leak", "leaks"), open)
	}
	if plateaued > 0 {
		what += fmt.Sprintf(" (%d plateaued)", plateaued)
	}
	return fmt.Sprintf("%s in %s of %s from %s to %s, a sample every %s.", what,
		human.Plural(int64(r.Series), "series", "series"), human.Plural(int64(r.Services), "service", "services"),
		human.FullTime(r.Start), human.FullTime(r.End), model.Duration(r.Step))
}

// readBy names the metrics by which the instances were read; empty: not known.
func (r *Result) readBy() string {
	var parts []string
	uses := r.signals()
	for _, s := range [][2]string{{"goroutines", "Goroutines"}, {"load", "Load"}, {"start_time", "Start"}} {
		if text := v1.SignalText(uses, s[0]); text != "" {
			parts = append(parts, s[1]+": "+text+".")
		}
	}
	return strings.Join(parts, " ")
}

// notes returns the remarks besides the leaks; left rows did not fit into the table.
func (r *Result) notes(left int) []string {
	var out []string
	if left > 0 {
		out = append(out, fmt.Sprintf("%s more: --limit=0 shows all.", human.Count(int64(left))))
	}
	out = append(out, r.counted())
	if read := r.readBy(); read != "" {
		out = append(out, read)
	}
	if len(r.Growing) > 0 {
		var names []string
		for _, ls := range r.Growing {
			names = append(names, human.Line(alerting.ServiceName(ls), 40))
		}
		out = append(out, fmt.Sprintf("Growing at the end, not enough or not for long enough to alarm: %s. --explain=SERVICE shows why.", list(names, 5)))
	}
	return out
}

// cut returns the rows that are shown, and the number of the others.
func (v View) cut(rows [][]string) ([][]string, int) {
	if v.Limit <= 0 || len(rows) <= v.Limit {
		return rows, 0
	}
	return rows[:v.Limit], len(rows) - v.Limit
}

// Table writes the result for a terminal.
func (r *Result) Table(w io.Writer, v View) error {
	var lines []string
	if r.Explanation != nil {
		lines = r.explained(v)
	} else {
		rows, left := v.cut(r.leakRows())
		if len(rows) > 0 {
			g := grid{rows: append([][]string{leakHeader}, rows...), numbers: leakNumbers}
			switch missing := whyColumn - (v.Width - g.left()); {
			case v.Width <= 0 || missing <= 0:
			case missing <= floorWidth/2:
				g = g.narrower(floorColumn, 2)
			default:
				g = g.without(floorColumn)
			}
			lines = append(g.lines(v.Width), "")
		}
		for _, note := range r.notes(left) {
			lines = append(lines, wrap(note, v.Width)...)
		}
	}
	if r.Comparison != nil {
		lines = append(append(lines, ""), r.compared(v)...)
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// Markdown writes the result for a pull request or a page.
func (r *Result) Markdown(w io.Writer, v View) error {
	var b strings.Builder
	if r.Explanation != nil {
		b.WriteString("```\n" + strings.Join(r.explained(View{Limit: v.Limit}), "\n") + "\n```\n")
	} else {
		rows, left := v.cut(r.leakRows())
		b.WriteString(strings.Join(r.notes(left), "\n\n") + "\n")
		markdown(&b, leakHeader, rows, leakNumbers)
	}
	if r.Comparison != nil {
		rows, left := v.cut(r.comparedRows())
		b.WriteString("\n" + r.Comparison.title() + "\n\n" + strings.Join(r.comparedNotes(left), "\n\n") + "\n")
		markdown(&b, comparedHeader, rows, nil)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown writes a table, unless it is empty.
func markdown(b *strings.Builder, header []string, rows [][]string, numbers map[int]bool) {
	if len(rows) == 0 {
		return
	}
	b.WriteString("\n")
	for _, name := range header {
		// Only acronyms stay in capitals.
		fmt.Fprintf(b, "| %s ", strings.Replace(strings.ToLower(name), "utc", "UTC", 1))
	}
	b.WriteString("|\n")
	for i := range header {
		if numbers[i] {
			b.WriteString("|--:")
		} else {
			b.WriteString("|---")
		}
	}
	b.WriteString("|\n")
	escape := strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "\\`", "*", `\*`)
	for _, row := range rows {
		for _, cell := range row {
			fmt.Fprintf(b, "| %s ", escape.Replace(cell))
		}
		b.WriteString("|\n")
	}
}
