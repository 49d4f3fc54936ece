package score

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Num is a figure; NaN (nothing to measure) and infinity (missed) become null
// in JSON.
type Num float64

// MarshalJSON implements json.Marshaler.
func (n Num) MarshalJSON() ([]byte, error) {
	if f := float64(n); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return strconv.AppendFloat(nil, f, 'g', 6, 64), nil
	}
	return []byte("null"), nil
}

func (n Num) String() string {
	if math.IsNaN(float64(n)) {
		return "-"
	}
	return strconv.FormatFloat(float64(n), 'g', 3, 64)
}

// Outcome is the result for one service.
type Outcome struct {
	Truth *ServiceTruth `json:"-"`
	// False counts the wrong findings: all of a healthy service (overlapping ones once); for a
	// leaking one those before the onset, on instances that do not leak, or more than an hour
	// after the leak's end.
	False    int      `json:"false"`
	Early    bool     `json:"early"`
	Detected *Finding `json:"-"`
	Delay    float64  `json:"-"` // hours, +Inf: missed
	Multiple float64  `json:"-"` // of the oracle's delay
	Leaked   float64  `json:"-"` // at detection, all instances
	// Open means that a finding is unresolved a day after the leak's end.
	Open bool `json:"-"`
}

// Summary are the figures over a set of services.
type Summary struct {
	Name string `json:"name"`
	// Healthy services without the saturating class.
	Healthy           int `json:"healthy"`
	HealthyAlarmed    int `json:"healthy_alarmed"`
	FalseShare        Num `json:"false_alarm_share"`
	FalsePer1000      Num `json:"false_alarms_per_1000_service_weeks"` // findings, not services
	Saturating        int `json:"saturating"`
	SaturatingAlarmed int `json:"saturating_alarmed"`
	SaturatingShare   Num `json:"saturating_alarm_share"`
	Leaks             int `json:"leaks"`
	Early             int `json:"early_or_wrong"` // leaking services with a wrong finding
	EarlyShare        Num `json:"early_share"`
	Detected          int `json:"detected"`
	Precision         Num `json:"precision"`
	Recall            Num `json:"recall"`
	Recall24          Num `json:"recall_24h"`
	DelayMedian       Num `json:"delay_median_h"`
	DelayP90          Num `json:"delay_p90_h"`
	OracleMultiple    Num `json:"oracle_multiple_median"`
	LeakedMedian      Num `json:"leaked_at_detection_median"`
	SlopeN            int `json:"slope_n"`
	SlopeCover        Num `json:"slope_ci_coverage"` // the better of the two readings below
	SlopeCoverOne     Num `json:"slope_ci_coverage_per_instance"`
	SlopeCoverTotal   Num `json:"slope_ci_coverage_sum_of_instances"`
	SlopeWidth        Num `json:"slope_ci_relative_width_median"`
	OnsetError        Num `json:"onset_error_median_h"`
	Ended             int `json:"ended_leaks_detected"`
	EndedResolved     Num `json:"ended_resolved_within_24h"`
	ResolvedTooEarly  Num `json:"resolved_while_leaking"`
	StacksGiven       Num `json:"stacks_given"`
	Top1              Num `json:"localisation_top1"` // of the detections with stacks
	Top1All           Num `json:"localisation_top1_of_all_detections"`
}

// Result is the score of a report.
type Result struct {
	All     Summary        `json:"all"`
	Classes []Summary      `json:"classes"`
	By      map[string]int `json:"detections_by_evidence"`
	Unknown []string       `json:"unknown_services,omitempty"`
	// NoInstance counts findings that name no instance label of their service.
	NoInstance int `json:"findings_without_known_instance"`
	// Services and Scanned: in the truth and, as the report says, scanned.
	Services int `json:"services"`
	Scanned  int `json:"services_scanned"`
}

func key(ns, job string) string { return ns + "/" + job }

// Pair is a data set with a monitor's report on it.
type Pair struct {
	Truth  *Truth
	Report *Report
	Keep   func(class string) bool // the classes that count; nil: all
}

// Score compares a report with the truth.
func Score(t *Truth, rep *Report) *Result { return Pool(Pair{Truth: t, Report: rep}) }

// Pool scores several reports, or the classes of each that count, as one.
func Pool(pairs ...Pair) *Result {
	res := &Result{By: map[string]int{}}
	var all []*Outcome
	classes := map[string][]*Outcome{}
	var names []string
	weeks, profiles := 0.0, false
	for _, p := range pairs {
		t, rep := p.Truth, p.Report
		res.Services += len(t.Services)
		res.Scanned += rep.ServicesScanned
		profiles = profiles || t.Profiles
		by := map[string][]*Finding{}
		known := map[string]bool{}
		for _, s := range t.Services {
			known[key(s.Namespace, s.Job)] = true
		}
		for i := range rep.Leaks {
			f := &rep.Leaks[i]
			k := key(f.Service.Namespace, f.Service.Job)
			if !known[k] && !slices.Contains(res.Unknown, k) {
				res.Unknown = append(res.Unknown, k)
			}
			by[k] = append(by[k], f)
		}
		for _, s := range t.Services {
			if p.Keep != nil && !p.Keep(s.Class) {
				continue
			}
			fs := by[key(s.Namespace, s.Job)]
			for _, f := range fs {
				if !s.known(f) {
					res.NoInstance++
				}
			}
			o := outcome(s, fs)
			all = append(all, o)
			weeks += t.End.Sub(t.Start).Hours() / (7 * 24)
			if classes[s.Class] == nil {
				names = append(names, s.Class)
			}
			classes[s.Class] = append(classes[s.Class], o)
			if o.Detected != nil {
				res.By[o.Detected.Evidence]++
			}
		}
	}
	weeks /= float64(max(1, len(all))) // of a service, on average
	res.All = summary("all", all, weeks, profiles)
	slices.SortFunc(names, func(a, b string) int {
		if x, y := classes[a][0].Truth.Leak, classes[b][0].Truth.Leak; x != y {
			if x {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	for _, n := range names {
		res.Classes = append(res.Classes, summary(n, classes[n], weeks, profiles))
	}
	return res
}

// known reports whether the finding names an instance of the service.
func (s *ServiceTruth) known(f *Finding) bool {
	return slices.ContainsFunc(f.Instances, func(x string) bool { return slices.Contains(s.Instances, x) })
}

// leaky returns the leaking instances that the finding names; all, if it names none of the
// service's.
func (s *ServiceTruth) leaky(f *Finding) []*LeakInstance {
	var out []*LeakInstance
	all := !s.known(f)
	for i := range s.LeakyInstances {
		l := &s.LeakyInstances[i]
		if all || slices.Contains(f.Instances, l.Instance) {
			out = append(out, l)
		}
	}
	return out
}

func (s *ServiceTruth) leakedAt(t time.Time) float64 {
	sum := 0.0
	for i := range s.LeakyInstances {
		sum += s.LeakyInstances[i].At(t)
	}
	return sum
}

func outcome(s *ServiceTruth, fs []*Finding) *Outcome {
	o := &Outcome{Truth: s, Delay: math.Inf(1), Multiple: math.Inf(1)}
	slices.SortStableFunc(fs, func(a, b *Finding) int { return a.DetectedAt.Compare(b.DetectedAt) })
	if !s.Leak {
		o.False = episodes(fs)
		return o
	}
	spoilt := map[string]bool{} // instances with an early finding: a later one proves nothing
	for _, f := range fs {
		l := s.leaky(f)
		early := f.DetectedAt.Before(*s.Onset)
		if early || len(l) == 0 || s.LeakEnd != nil && f.DetectedAt.After(s.LeakEnd.Add(time.Hour)) {
			o.False++
			o.Early = true
			if early {
				for _, x := range l {
					spoilt[x.Instance] = true
				}
			}
			continue
		}
		if s.LeakEnd != nil && (f.ResolvedAt == nil || f.ResolvedAt.Sub(*s.LeakEnd) > 24*time.Hour) {
			o.Open = true
		}
		l = slices.DeleteFunc(l, func(x *LeakInstance) bool { return spoilt[x.Instance] })
		if o.Detected != nil || len(l) == 0 {
			continue
		}
		o.Detected = f
		o.Delay = f.DetectedAt.Sub(*s.Onset).Hours()
		step, _ := time.ParseDuration(s.Step)
		if s.OracleHours != nil {
			o.Multiple = o.Delay / max(*s.OracleHours, step.Hours())
		} else {
			o.Multiple = math.NaN()
		}
		o.Leaked = s.leakedAt(f.DetectedAt)
	}
	return o
}

// episodes counts findings, those that overlap in time once.
func episodes(fs []*Finding) int {
	n := 0
	var until time.Time
	for _, f := range fs {
		if n == 0 || f.DetectedAt.After(until) {
			n++
			until = f.DetectedAt
		}
		if f.ResolvedAt == nil {
			break // overlaps all that follow
		}
		if f.ResolvedAt.After(until) {
			until = *f.ResolvedAt
		}
	}
	return n
}

// HasFrame reports whether a frame of the stack names the function.
func HasFrame(frames []string, fn string) bool {
	for _, f := range frames {
		for rest := f; ; {
			i := strings.Index(rest, fn)
			if i < 0 {
				break
			}
			rest = rest[i+len(fn):]
			r, _ := utf8.DecodeRuneInString(rest)
			if rest == "" || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' {
				return true
			}
		}
	}
	return false
}

func ratio(a, b int) Num { return Num(float64(a) / float64(b)) }

func quantile(x []float64, p float64) Num {
	if len(x) == 0 {
		return Num(math.NaN())
	}
	slices.Sort(x)
	return Num(x[min(len(x)-1, int(p*float64(len(x))))])
}

func summary(name string, os []*Outcome, weeks float64, profiles bool) Summary {
	m := Summary{Name: name}
	var alarms, in24, one, total, ended, onTime, tooEarly, resolvable, withStacks, top1 int
	var delay, mult, leaked, width, onset []float64
	for _, o := range os {
		s := o.Truth
		if s.Saturating {
			m.Saturating++
			if o.False > 0 {
				m.SaturatingAlarmed++
			}
			continue
		}
		if !s.Leak {
			m.Healthy++
			alarms += o.False
			if o.False > 0 {
				m.HealthyAlarmed++
			}
			continue
		}
		m.Leaks++
		if o.Early {
			m.Early++
		}
		delay = append(delay, o.Delay)
		f := o.Detected
		if f == nil {
			continue
		}
		m.Detected++
		if o.Delay <= 24 {
			in24++
		}
		if !math.IsNaN(o.Multiple) {
			mult = append(mult, o.Multiple)
		}
		leaked = append(leaked, o.Leaked)
		if g := f.GrowthPerHour; s.Constant && g.High > g.Low {
			m.SlopeN++
			if g.Low <= s.RatePerHour && s.RatePerHour <= g.High {
				one++
			}
			if r := s.RatePerHour * float64(len(s.leaky(f))); g.Low <= r && r <= g.High {
				total++
			}
			width = append(width, (g.High-g.Low)/max(math.Abs(g.Value), 1e-9))
		}
		if !f.Onset.IsZero() {
			onset = append(onset, math.Abs(f.Onset.Sub(*s.Onset).Hours()))
		}
		if s.LeakEnd != nil {
			ended++
			if !o.Open {
				onTime++
			}
		}
		resolvable++
		if f.ResolvedAt != nil && s.leakedAt(*f.ResolvedAt) > 0.5*o.Leaked {
			tooEarly++
		}
		if len(f.Stacks) > 0 {
			withStacks++
			if slices.ContainsFunc(s.KeyFrames, func(k string) bool { return HasFrame(f.Stacks[0].Frames, k) }) {
				top1++
			}
		}
	}
	m.FalseShare = ratio(m.HealthyAlarmed, m.Healthy)
	m.FalsePer1000 = Num(float64(alarms) / (float64(m.Healthy) * weeks) * 1000)
	m.SaturatingShare = ratio(m.SaturatingAlarmed, m.Saturating)
	m.EarlyShare = ratio(m.Early, m.Leaks)
	m.Precision = ratio(m.Detected, m.Detected+m.HealthyAlarmed+m.Early)
	m.Recall, m.Recall24 = ratio(m.Detected, m.Leaks), ratio(in24, m.Leaks)
	m.DelayMedian, m.DelayP90 = quantile(delay, 0.5), quantile(delay, 0.9)
	m.OracleMultiple, m.LeakedMedian = quantile(mult, 0.5), quantile(leaked, 0.5)
	m.SlopeCoverOne, m.SlopeCoverTotal = ratio(one, m.SlopeN), ratio(total, m.SlopeN)
	m.SlopeCover = max(m.SlopeCoverOne, m.SlopeCoverTotal)
	m.SlopeWidth, m.OnsetError = quantile(width, 0.5), quantile(onset, 0.5)
	m.Ended, m.EndedResolved, m.ResolvedTooEarly = ended, ratio(onTime, ended), ratio(tooEarly, resolvable)
	m.StacksGiven, m.Top1, m.Top1All = Num(math.NaN()), Num(math.NaN()), Num(math.NaN())
	if profiles {
		m.StacksGiven, m.Top1, m.Top1All = ratio(withStacks, m.Detected), ratio(top1, withStacks), ratio(top1, m.Detected)
	}
	return m
}

// interval is Wilson's 95% interval of a share.
func interval(p Num, n int) string {
	if n == 0 {
		return "-"
	}
	const z = 1.96
	f, N := float64(p), float64(n)
	mid := (f + z*z/(2*N)) / (1 + z*z/N)
	d := z * math.Sqrt(f*(1-f)/N+z*z/(4*N*N)) / (1 + z*z/N)
	return fmt.Sprintf("95%% CI %.1f..%.1f%%", 100*max(0, mid-d), 100*min(1, mid+d))
}

func pct(n Num) string {
	if math.IsNaN(float64(n)) {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(n))
}

// Print writes the figures for people.
func (r *Result) Print(w io.Writer, verbose bool) {
	a := &r.All
	fmt.Fprintf(w, "healthy services      %d + %d saturating\n", a.Healthy, a.Saturating)
	fmt.Fprintf(w, "false alarms          %d services, %s (%s); %s per 1000 service-weeks\n", a.HealthyAlarmed, pct(a.FalseShare), interval(a.FalseShare, a.Healthy), a.FalsePer1000)
	fmt.Fprintf(w, "  saturating class    %s\n", pct(a.SaturatingShare))
	fmt.Fprintf(w, "leaking services      %d\n", a.Leaks)
	fmt.Fprintf(w, "early or wrong        %d, %s\n", a.Early, pct(a.EarlyShare))
	fmt.Fprintf(w, "precision             %s\n", a.Precision)
	fmt.Fprintf(w, "recall                %s (%s), within 24h %s\n", a.Recall, interval(a.Recall, a.Leaks), a.Recall24)
	fmt.Fprintf(w, "delay                 median %s h, p90 %s h (misses are infinite)\n", a.DelayMedian, a.DelayP90)
	fmt.Fprintf(w, "multiple of oracle    median %s (detections)\n", a.OracleMultiple)
	fmt.Fprintf(w, "leaked at detection   median %s\n", a.LeakedMedian)
	fmt.Fprintf(w, "slope CI coverage     %s of %d constant leaks (per instance %s, sum of instances %s), median relative width %s\n", pct(a.SlopeCover), a.SlopeN, pct(a.SlopeCoverOne), pct(a.SlopeCoverTotal), a.SlopeWidth)
	fmt.Fprintf(w, "onset error           median %s h\n", a.OnsetError)
	fmt.Fprintf(w, "resolved too early    %s (while half of what was found still leaks)\n", pct(a.ResolvedTooEarly))
	if a.Ended > 0 {
		fmt.Fprintf(w, "ended leaks resolved  %s of %d within 24h of the end\n", pct(a.EndedResolved), a.Ended)
	}
	if !math.IsNaN(float64(a.StacksGiven)) {
		fmt.Fprintf(w, "localisation          top-1 %s of the detections with stacks, %s of all (stacks given for %s)\n", pct(a.Top1), pct(a.Top1All), pct(a.StacksGiven))
	}
	var ev []string
	for k, n := range r.By {
		ev = append(ev, fmt.Sprintf("%s %d", k, n))
	}
	slices.Sort(ev)
	fmt.Fprintf(w, "detections by evidence: %s\n", strings.Join(ev, ", "))
	if r.NoInstance > 0 {
		fmt.Fprintf(w, "%d FINDINGS NAME NO INSTANCE OF THEIR SERVICE: taken for all its instances\n", r.NoInstance)
	}
	if r.Scanned != r.Services {
		fmt.Fprintf(w, "THE REPORT COVERS %d OF %d SERVICES\n", r.Scanned, r.Services)
	}
	if len(r.Unknown) > 0 {
		fmt.Fprintf(w, "NOT IN THE TRUTH: %s\n", strings.Join(r.Unknown, ", "))
	}
	if !verbose {
		return
	}
	fmt.Fprintf(w, "\n%-22s %4s %7s %6s | %6s %6s %7s %7s %6s %8s %6s %6s %6s\n", "class", "n", "alarmed", "early", "recall", "rec24h", "d50 h", "d90 h", "x orcl", "leaked", "CI", "onset", "top1")
	for _, c := range r.Classes {
		if c.Leaks == 0 {
			n, al := c.Healthy, pct(c.FalseShare)
			if c.Saturating > 0 {
				n, al = c.Saturating, pct(c.SaturatingShare)
			}
			fmt.Fprintf(w, "%-22s %4d %7s\n", c.Name, n, al)
			continue
		}
		fmt.Fprintf(w, "%-22s %4d %7s %6s | %6s %6s %7s %7s %6s %8s %6s %6s %6s\n", c.Name, c.Leaks, "", pct(c.EarlyShare), c.Recall, c.Recall24, c.DelayMedian, c.DelayP90, c.OracleMultiple, c.LeakedMedian, pct(c.SlopeCover), c.OnsetError, pct(c.Top1))
	}
}

// TableHead and Row print one summary as a line, to compare several monitors.
func TableHead(w io.Writer) {
	fmt.Fprintf(w, "%-58s %6s %8s %6s %6s %6s %6s %6s %7s %7s %7s %8s\n", "rule", "FA", "FA/1000w", "bound", "early", "prec", "recall", "rec24h", "d50 h", "d90 h", "x orcl", "leaked")
}

// Row prints one line of the table.
func (m *Summary) Row(w io.Writer, name string) {
	p := func(n Num) string { return fmt.Sprintf("%.1f%%", 100*float64(n)) }
	fmt.Fprintf(w, "%-58s %6s %8.0f %6s %6s %6.3f %6.3f %6.3f %7s %7s %7s %8s\n", name, p(m.FalseShare), float64(m.FalsePer1000), p(m.SaturatingShare), p(m.EarlyShare), float64(m.Precision), float64(m.Recall), float64(m.Recall24), m.DelayMedian, m.DelayP90, m.OracleMultiple, m.LeakedMedian)
}

// FoldHead and FoldRow print the result of one class, or of a whole fold, under the parameters
// that were chosen without it.
func FoldHead(w io.Writer) {
	fmt.Fprintf(w, "%4s  %-18s %4s %8s %8s | %4s %6s %6s %6s %7s %7s\n", "fold", "class", "n", "alarmed", "/1000w", "n", "early", "recall", "rec24h", "d50 h", "d90 h")
}

// FoldRow prints one line of the table.
func (m *Summary) FoldRow(w io.Writer, fold, name string) {
	healthy, leaks := fmt.Sprintf("%4s %8s %8s", "", "", ""), ""
	switch {
	case m.Healthy > 0:
		healthy = fmt.Sprintf("%4d %8s %8.0f", m.Healthy, pct(m.FalseShare), float64(m.FalsePer1000))
	case m.Saturating > 0:
		healthy = fmt.Sprintf("%4d %8s %8s", m.Saturating, pct(m.SaturatingShare), "bound")
	}
	if m.Leaks > 0 {
		leaks = fmt.Sprintf(" %4d %6s %6.3f %6.3f %7s %7s", m.Leaks, pct(m.EarlyShare), float64(m.Recall), float64(m.Recall24), m.DelayMedian, m.DelayP90)
	}
	fmt.Fprintf(w, "%4s  %-18s %s |%s\n", fold, name, healthy, leaks)
}
