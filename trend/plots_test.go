package trend

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "draw the plots of docs/detection.md again")

// story is a series for the documentation. Its picture must show what the judgement says of it.
type story struct {
	file, title string
	minutes     int
	sample      func(m int, r *rand.Rand) Sample
	want        Status
	gate        Gate
}

// stories are drawn into docs/img.
func stories() []story {
	load := func(m int, r *rand.Rand) float64 { return 1 + 0.5*day(float64(m)) + 0.03*r.NormFloat64() }
	return []story{
		{"leak", "A leak of 25 an hour under a daily load", 2880, func(m int, r *rand.Rand) Sample {
			l := load(m, r)
			return Sample{Count: 120 + 90*l + 8*r.ExpFloat64() + max(0, float64(m-1500))*25/60, Load: l, Start: 1}
		}, Leaking, GateNone},
		{"daily", "A daily load is none", 4320, func(m int, r *rand.Rand) Sample {
			l := load(m, r)
			return Sample{Count: 60 + 200*l + 10*r.ExpFloat64(), Load: l, Start: 1}
		}, Quiet, GateFollowsLoad},
		{"pool", "A pool that fills in hours ends somewhere", 3700, func(m int, r *rand.Rand) Sample {
			l := load(m, r)
			return Sample{Count: 150 + 40*l + 8*r.ExpFloat64() + 300*(1-math.Exp(-max(0, float64(m-2880))/360)), Load: l, Start: 1}
		}, Provisional, GateSaturating},
		{"step", "One step is a release, not a leak", 3240, func(m int, r *rand.Rand) Sample {
			l := load(m, r)
			return Sample{Count: 150 + 40*l + 8*r.ExpFloat64() + 200*math.Floor(min(1, float64(m)/3000)), Load: l, Start: 1}
		}, Quiet, GateOneStep},
		{"lives", "Deploys twice a day: each life shows a little, together they do", 5760, func(m int, r *rand.Rand) Sample {
			l := load(m, r)
			return Sample{Count: 150 + 40*l + 8*r.ExpFloat64() + float64(m%720)*5/60, Load: l, Start: float64(m/720) * 43200}
		}, Leaking, GateNone},
	}
}

// TestPlots checks that docs/img shows what the code says; -update draws the pictures again.
func TestPlots(t *testing.T) {
	for _, st := range stories() {
		t.Run(st.file, func(t *testing.T) {
			s := NewService(Options{})
			r := rand.New(rand.NewPCG(5, 5))
			var xs []Sample
			var v Verdict
			alarm := -1
			for m := range st.minutes {
				x := st.sample(m, r)
				x.T, x.Count = t0.UnixMilli()+int64(m)*60_000, math.Round(x.Count)
				s.Observe("a", x)
				v = s.Judge(time.UnixMilli(x.T))
				if v.Status == Leaking && alarm < 0 {
					alarm = m
				}
				xs = append(xs, x)
			}
			require.Equal(t, st.want, v.Status, "%+v", v)
			require.Equal(t, st.gate, v.Gate)
			require.Equal(t, st.want == Leaking, alarm >= 0)
			svg := st.draw(xs, s.Explain(), v, alarm)
			name := filepath.Join("..", "docs", "img", "trend-"+st.file+".svg")
			if *update {
				require.NoError(t, os.WriteFile(name, []byte(svg), 0o666))
			}
			have, err := os.ReadFile(name)
			require.NoError(t, err)
			require.Equal(t, string(have), svg, "go test ./trend -run Plots -update")
		})
	}
}

const plotStyle = `<style>
text{font:12px system-ui,sans-serif;fill:#333}.count{fill:#9aa5b1;opacity:.55}.floor{stroke:#1f6feb;fill:none;stroke-width:1.5}
.fit{stroke:#c2410c;fill:none;stroke-width:2;stroke-dasharray:6 3}.mark{stroke:#c2410c}.axis{stroke:#888}
@media(prefers-color-scheme:dark){text{fill:#ddd}.count{fill:#6b7785}.floor{stroke:#6cb0ff}.fit,.mark{stroke:#ff9b66}}
</style>
`

// draw makes the plot: the counts in grey, the floors of 15-minute blocks, and the fit on the
// longest scale that shows the growth.
func (st story) draw(xs []Sample, all []Assessment, v Verdict, alarm int) string {
	const width, height, left, top, bottom = 720, 200, 44, 24, 218
	high := 0.0
	for _, x := range xs {
		high = max(high, x.Count)
	}
	high = math.Ceil(high/100) * 100
	px := func(m float64) float64 { return left + m/float64(len(xs))*(width-left-8) }
	py := func(y float64) float64 { return bottom - y/high*(height-8) }
	var up, down, floor strings.Builder
	for m := 0; m+15 <= len(xs); m += 15 {
		lo, hi := math.Inf(1), 0.0
		for _, x := range xs[m : m+15] {
			lo, hi = min(lo, x.Count), max(hi, x.Count)
		}
		fmt.Fprintf(&up, "%.0f,%.0f ", px(float64(m)), py(hi))
		fmt.Fprintf(&floor, "%.0f,%.0f ", px(float64(m)), py(lo))
		last := down.String()
		down.Reset()
		fmt.Fprintf(&down, "%.0f,%.0f %s", px(float64(m)), py(lo), last)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d 256" role="img"><title>%s</title>`+"\n", width, st.title)
	b.WriteString(plotStyle)
	fmt.Fprintf(&b, `<text x="%d" y="14">%s</text>`+"\n", left, st.title)
	fmt.Fprintf(&b, `<polygon class="count" points="%s%s"/>`+"\n", up.String(), strings.TrimSpace(down.String()))
	fmt.Fprintf(&b, `<polyline class="floor" points="%s"/>`+"\n", strings.TrimSpace(floor.String()))
	for y := 0.0; y <= high; y += high / 2 {
		fmt.Fprintf(&b, `<text x="%d" y="%.0f" text-anchor="end">%.0f</text>`+"\n", left-6, py(y)+4, y)
	}
	for h := 0; h < len(xs)/60-2; h += 12 {
		fmt.Fprintf(&b, `<path class="axis" d="M%.0f %dv4"/><text x="%.0f" y="%d">%d h</text>`+"\n", px(float64(h*60)), bottom, px(float64(h*60)), bottom+16, h)
	}
	if v.Status != Quiet {
		minute := v.Onset.Sub(t0).Minutes()
		for _, a := range slices.Backward(all) { // the longest view of it
			if a.Status.Grows() && a.Z >= likely {
				fmt.Fprintf(&b, `<polyline class="fit" points="%s"/>`+"\n", fitted(xs, a, px, py))
				break
			}
		}
		fmt.Fprintf(&b, `<path class="mark" d="M%.0f %dV%d"/><text x="%.0f" y="%d">onset</text>`+"\n", px(minute), top, bottom, px(minute)+4, bottom-6)
	}
	said := fmt.Sprintf("at the end: %s", v.Status)
	if v.Gate != GateNone {
		said += fmt.Sprintf(" (%s)", v.Gate.Text())
	}
	if v.Rate.Value > 0 {
		said += fmt.Sprintf(", %.1f an hour [%.1f, %.1f]", v.Rate.Value, v.Rate.Low, v.Rate.High)
	}
	if alarm >= 0 {
		fmt.Fprintf(&b, `<path class="mark" d="M%.0f %dV%d"/><text x="%.0f" y="%d">told</text>`+"\n", px(float64(alarm)), top, bottom, px(float64(alarm))+4, top+12)
	}
	fmt.Fprintf(&b, `<text x="%d" y="250">%s</text>`+"\n</svg>\n", left, said)
	return b.String()
}

// fitted is the hinge of an assessment: what the load explains, plus the growth from the onset on.
func fitted(xs []Sample, a Assessment, px, py func(float64) float64) string {
	load := func(m int) (sum float64) {
		for _, x := range xs[m : m+15] {
			sum += x.Load / 15
		}
		return sum
	}
	var b strings.Builder
	now := load(len(xs) - 15)
	for m := 0; m+15 <= len(xs); m += 15 {
		grown := max(0, float64(m)-a.Onset.Sub(t0).Minutes()) / 60 * a.Rate.Value
		fmt.Fprintf(&b, "%.0f,%.0f ", px(float64(m)), py(a.Level+a.LoadSlope*(load(m)-now)+grown))
	}
	return strings.TrimSpace(b.String())
}
