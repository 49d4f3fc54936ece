package scan

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"github.com/gorowatch/gorowatch/alerting"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// explained writes the explanation for a terminal.
func (r *Result) explained(v View) []string {
	x := r.Explanation
	width := v.Width
	if width <= 0 {
		width = 100
	}
	limit := cmp.Or(v.Limit, math.MaxInt)
	if !v.Verbose {
		limit = min(limit, briefRows)
	}
	lines := append(r.headline(width), x.End.reasons(width)...)
	for _, l := range x.leaksOf(r.Leaks) {
		if len(l.Parts) > 1 {
			lines = append(lines, wrap("Log-odds with the stacks "+v1.LogOddsText(leak.LogOdds(l.Confidence), partsOf(l)), width)...)
		}
	}
	lines = append(append(append(lines, ""), r.picture(width)...), "")
	lines = append(lines, r.moment("At the end", x.End, limit, width)...)
	for i, d := range x.Detections {
		if !v.Verbose {
			break
		}
		if i == 3 {
			lines = append(lines, "", fmt.Sprintf("%d more times leaking.", len(x.Detections)-i))
			break
		}
		lines = append(append(lines, ""), r.moment("When it began to be leaking", d, limit, width)...)
		lines = append(lines, d.reasons(width)...)
	}
	return append(append(append(lines, ""), "Over time:"), x.overTime(limit, width)...)
}

// briefRows is the most rows of a table without -v.
const briefRows = 5

// reasons explains the verdict: a sentence, and the log-odds behind it.
func (m Moment) reasons(width int) []string {
	a, ok := m.deciding()
	if !ok {
		return nil
	}
	lines := wrap(v1.Sentence(a), width)
	if x := v1.NewReasons(a.Reasons); x != nil {
		text := fmt.Sprintf("Log-odds by the counts %s, compared with %s", v1.LogOddsText(x.Sum(), x.Parts), v1.ExplanationText(x.Other))
		lines = append(lines, wrap(text, width)...)
	}
	return lines
}

// deciding returns the assessment behind the verdict: the surest of those of its status, or the
// first that has an answer.
func (m Moment) deciding() (out trend.Assessment, ok bool) {
	for _, a := range m.Assessments {
		if !a.Decides || a.Status == "" {
			continue
		}
		same, before := a.Status == m.Verdict.Status, ok && out.Status == m.Verdict.Status
		if !ok || same && !before || same == before && a.Confidence > out.Confidence {
			out, ok = a, true
		}
	}
	return out, ok
}

// partsOf returns the parts of the confidence in a leak.
func partsOf(l leak.Leak) (out []v1.LogOdds) {
	for _, p := range l.Parts {
		out = append(out, v1.LogOdds{Name: p.Name, LogOdds: v1.Number(p.LogOdds)})
	}
	return out
}

// headline names the service, and the state of each leak.
func (r *Result) headline(width int) []string {
	x := r.Explanation
	s := human.Line(alerting.ServiceName(x.Service), 80) + ": "
	leaks := x.leaksOf(r.Leaks)
	if len(leaks) == 0 {
		return wrap(fmt.Sprintf("%sno leak from %s to %s", s, human.FullTime(r.Start), human.FullTime(r.End)), width)
	}
	var out []string
	for _, l := range leaks {
		line := fmt.Sprintf("%sleaks since %s, alarm at %s, %s later", s, human.FullTime(l.Onset), human.FullTime(l.DetectedAt), human.Duration(l.DetectedAt.Sub(l.Onset)))
		if l.State == leak.Resolved {
			line += fmt.Sprintf("; resolved %s: %s", human.FullTime(l.ResolvedAt), l.Resolution)
		} else {
			line += fmt.Sprintf("; %s leaked by now", human.Number(l.Leaked))
		}
		out = append(out, wrap(line, width)...)
		s = "and it "
	}
	return out
}

// pictureHeight is the height of the plot, in lines.
const pictureHeight = 16

// picture plots the service: the instance that leaks fastest if most of them do not and it
// existed for most of the time, else all.
func (r *Result) picture(width int) []string {
	x := r.Explanation
	c := r.curves.services[serviceKey(x.Service)]
	v := x.End.Verdict
	at := x.End.Time
	if len(v.Instances) == 0 && len(x.Detections) > 0 {
		d := x.Detections[len(x.Detections)-1]
		v, at = d.Verdict, d.Time
	}
	title := "all instances"
	var include func(string) bool
	rate, onset, only := v.Rate.Value, v.Onset, ""
	if n := len(v.Instances); n > 0 && 2*n <= len(c.instances) && r.stayed(c, v.Instances[0].Instance) {
		worst := v.Instances[0]
		only, rate, onset = worst.Instance, worst.Rate.Value, worst.Onset
		include = func(name string) bool { return name == only }
		title = fmt.Sprintf("instance %s, the fastest of the %d of %d that grow", human.Line(only, 40), n, len(c.instances))
		if n == 1 {
			title = fmt.Sprintf("instance %s, which alone of %d grows", human.Line(only, 40), len(c.instances))
		}
	}
	floor, top := r.curves.sum(c, include)

	span := float64(r.curves.bucket) * float64(r.curves.n)
	place := func(t time.Time) float64 { return float64(t.UnixMilli()-r.curves.start) / span }
	high := highest(floor)
	if math.IsNaN(high) {
		return []string{"(nothing to draw)"}
	}
	var line func(*plot)
	fit := "a leak"
	if !onset.IsZero() && rate > 0 {
		end := near(floor, max(r.curves.of(at.UnixMilli())-1, 0))
		begin := end - rate*at.Sub(onset).Hours()
		high = max(high, end)
		bend := 0.0
		if a, ok := x.End.deciding(); ok && a.Reasons != nil && v.Status != trend.Leaking {
			name := a.Reasons.Explanations[0].Name
			fit = v1.ExplanationText(name)
			if g := trend.Gate(name); g == trend.GateSaturating || g == trend.GateWarmingUp {
				bend = float64(at.Sub(onset)) / float64(max(a.Reasons.OtherLength, time.Minute))
			}
		}
		line = func(p *plot) { p.rise(place(onset), begin, place(at), end, bend, '•') }
	}
	high = max(high, min(highest(top), 2*high))
	low := least(floor)
	if low < 0.5*high {
		low = 0
	}
	// The numbers at the left take a few columns.
	p := newPlot(max(width-utf8.RuneCountInString(human.Number(high))-3, 20), pictureHeight, low, high)
	p.scatter(top)
	p.line(floor)
	if line != nil {
		line(p)
	}
	legend := []string{"⠒ floor", "⠁ highest count"}
	if line != nil {
		legend = append(legend, "• "+fit)
	}
	if len(c.restarts) > 0 {
		legend = append(legend, "r restart")
		for _, t := range c.restarts {
			p.mark(place(time.UnixMilli(t)), 'r')
		}
	}
	leaks := x.leaksOf(r.Leaks)
	for _, l := range leaks {
		p.upright(place(l.Onset), '┊', 'O')
		p.upright(place(l.DetectedAt), '│', 'D')
		if l.State == leak.Resolved {
			p.upright(place(l.ResolvedAt), '┊', 'E')
		}
	}
	if len(leaks) > 0 {
		legend = append(legend, "O onset", "D detection")
	}
	if slices.ContainsFunc(leaks, func(l leak.Leak) bool { return l.State == leak.Resolved }) {
		legend = append(legend, "E end")
	}
	middle := r.Start.Add(r.End.Sub(r.Start) / 2)
	lines := append([]string{"Goroutines of " + title}, p.lines(stamp(r.Start, r.End), stamp(middle, r.End), stamp(r.End, r.End))...)
	return append(lines, strings.Join(legend, "   "))
}

// stayed reports whether an instance existed for half of the time.
func (r *Result) stayed(c *course, instance string) bool {
	for _, v := range c.instances {
		if v.name == instance {
			return 2*len(v.buckets) >= r.curves.n
		}
	}
	return false
}

// moment writes a verdict, and below it those of each instance and scale.
func (r *Result) moment(title string, m Moment, limit, width int) []string {
	v := m.Verdict
	s := fmt.Sprintf("%s, %s: %s", title, human.FullTime(m.Time), answer(v.Status, v.Gate))
	if v.Rate.Value != 0 {
		s += fmt.Sprintf(", +%s goroutines/h (%s to %s)", human.Number(v.Rate.Value), human.Number(v.Rate.Low), human.Number(v.Rate.High))
	}
	if !v.Onset.IsZero() {
		s += fmt.Sprintf(" since %s, %s leaked", human.Time(v.Onset, m.Time), human.Number(v.Leaked))
	}
	if v.Scale > 0 {
		s += fmt.Sprintf("; decided by blocks of %s, z = %s", model.Duration(v.Scale), human.Number(v.Z))
	}
	lines := wrap(s, width)
	rows, left := View{Limit: limit}.cut(assessmentRows(m))
	if len(rows) > 0 {
		g := grid{
			rows:    append([][]string{{"INSTANCE", "BLOCKS", "GROWTH/H (95 %)", "Z", "FLOOR + GROWN", "SINCE (UTC)", "ANSWER"}}, rows...),
			numbers: map[int]bool{1: true, 3: true, 4: true},
		}
		lines = append(lines, g.lines(width)...)
	}
	if left > 0 {
		lines = append(lines, human.Count(int64(left))+" more: -v --limit=0 shows all.")
	}
	return lines
}

// answer returns a status and the gate that keeps it from being higher.
func answer(status trend.Status, gate trend.Gate) string {
	if gate == trend.GateNone {
		return string(status)
	}
	return string(status) + " (" + gate.Text() + ")"
}

// assessmentRows returns the assessments of the most important instances first. It leaves out
// scales with too few blocks.
func assessmentRows(m Moment) [][]string {
	place := map[string]int{"": -1} // of the sum
	for i, it := range m.Verdict.Instances {
		place[it.Instance] = i
	}
	as := slices.Clone(m.Assessments)
	slices.SortStableFunc(as, func(a, b trend.Assessment) int {
		pa, oka := place[a.Instance]
		pb, okb := place[b.Instance]
		if !oka {
			pa = math.MaxInt
		}
		if !okb {
			pb = math.MaxInt
		}
		return cmp.Compare(pa, pb)
	})
	var out [][]string
	for _, a := range as {
		if a.Status == "" {
			continue
		}
		row := []string{human.Line(cmp.Or(a.Instance, "all together"), 24), fmt.Sprintf("%d × %s", a.Blocks, model.Duration(a.Scale)), "", "", "", "", answer(a.Status, a.Gate)}
		if a.Grown > 0 {
			row[2] = fmt.Sprintf("+%s (%s to %s)", human.Number(a.Rate.Value), human.Number(a.Rate.Low), human.Number(a.Rate.High))
			row[3], row[4] = human.Number(a.Z), human.Number(a.Level)+" + "+human.Number(a.Grown)
			if !a.Onset.IsZero() {
				row[5] = stamp(a.Onset, m.Time)
			}
		}
		out = append(out, row)
	}
	return out
}

// run is a time with one status.
type run struct {
	from, to time.Time
	status   string
	gates    map[string]time.Duration
}

// overTime writes the changes by status: which gates applied, and for how much of the time.
func (x *Explanation) overTime(limit, width int) []string {
	var runs []run
	for i, c := range x.Changes {
		to := x.End.Time
		if i+1 < len(x.Changes) {
			to = x.Changes[i+1].Time
		}
		if n := len(runs); n == 0 || runs[n-1].status != string(c.Status) {
			runs = append(runs, run{from: c.Time, status: string(c.Status), gates: map[string]time.Duration{}})
		}
		last := &runs[len(runs)-1]
		last.to = to
		last.gates[c.Gate.Text()] += to.Sub(c.Time)
	}
	var rows [][]string
	for _, r := range runs {
		rows = append(rows, []string{stamp(r.from, x.End.Time), human.Duration(r.to.Sub(r.from)), r.status, r.gateNames()})
	}
	left := 0
	if len(rows) > limit {
		left = len(rows) - limit
		rows = rows[left:] // the last rows explain the present
	}
	var lines []string
	if left > 0 {
		lines = append(lines, human.Count(int64(left))+" earlier: -v --limit=0 shows all.")
	}
	return append(lines, grid{rows: append([][]string{{"FROM (UTC)", "FOR", "STATUS", "WHAT SAID NO"}}, rows...)}.lines(width)...)
}

// gateNames returns the gates of a run, the one that applied longest first.
func (r run) gateNames() string {
	type part struct {
		gate string
		d    time.Duration
	}
	var parts []part
	var all time.Duration
	for g, d := range r.gates {
		all += d
		if g != "" {
			parts = append(parts, part{g, d})
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(b.d, a.d), cmp.Compare(a.gate, b.gate)) })
	var out []string
	for _, p := range parts {
		s := p.gate
		if all > 0 && p.d < all {
			s += " " + human.Percent(float64(p.d)/float64(all))
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}
