package pictures

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// The size of a picture, in pixels and in what it may show.
const (
	width         = 800
	chartBottom   = 300 // below are the stacks
	margin        = 16
	maxSteps      = 300
	maxDrawn      = 10 // instances
	maxTitle      = 96 // characters
	maxStackLines = 7
	maxStackLine  = 104 // characters
	lineHeight    = 17
	// maxCount is the highest count that is drawn; a process holds fewer.
	maxCount = 1e12
)

// The edges of the plot within the chart, with room for the labels of its axes.
const (
	plotTop, plotBottom = 62, chartBottom - 22
	plotLeft, plotRight = margin + 42, width - margin
)

var (
	ink    = color.RGBA{R: 0x1f, G: 0x24, B: 0x2b, A: 255}
	muted  = color.RGBA{R: 0x6b, G: 0x73, B: 0x80, A: 255}
	faint  = color.RGBA{R: 0xe3, G: 0xe6, B: 0xea, A: 255}
	accent = color.RGBA{R: 0xc6, G: 0x28, B: 0x28, A: 255}
	// palette has the colours of the instances.
	palette = []color.RGBA{
		{R: 0x1f, G: 0x6f, B: 0xb4, A: 255}, {R: 0xd9, G: 0x77, B: 0x06, A: 255}, {R: 0x2e, G: 0x8b, B: 0x57, A: 255},
		{R: 0x7b, G: 0x4f, B: 0xb5, A: 255}, {R: 0x0e, G: 0x8a, B: 0x8a, A: 255},
	}
)

// Draw returns the picture of a leak as PNG. All its texts are from the leak's alert. It only
// draws instances of the leak, and leaves the chart out if the series have none of them.
func Draw(l leak.Leak, a alerting.Alert, series collector.History) ([]byte, error) {
	lines, more := instanceLines(l, series)
	stacks := stackLines(a.Annotations["stack_diff"])
	height := chartBottom + margin
	if len(stacks) > 0 {
		height += margin + lineHeight*len(stacks)
	}
	c := newCanvas(width, height)
	fonts, err := parseTypefaces()
	if err != nil {
		return nil, err
	}
	title, err := c.writer(fonts.text, 15, ink)
	if err != nil {
		return nil, err
	}
	small, err := c.writer(fonts.text, 11, muted)
	if err != nil {
		return nil, err
	}
	code, err := c.writer(fonts.mono, 12, ink)
	if err != nil {
		return nil, err
	}
	title.write(a.Annotations["summary"], maxTitle, left, margin, 24)
	small.write(caption(l, more, len(lines) > 0), maxTitle+24, left, margin, 44)
	for i, line := range stacks {
		code.write(line, maxStackLine, left, margin, float64(chartBottom+30+i*lineHeight))
	}
	if len(lines) > 0 {
		drawChart(c, small, l, lines)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, c.pixels); err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	return b.Bytes(), nil
}

// caption says what the chart shows.
func caption(l leak.Leak, more int, hasChart bool) string {
	if !hasChart {
		return "no chart: the series of this leak cannot be read"
	}
	out := "goroutines of the instances that leak, UTC; dashed: onset " + human.FullTime(l.Onset)
	if more > 0 {
		out += fmt.Sprintf("; %d more are not drawn", more)
	}
	return out
}

// drawChart draws the lines, the axes with their labels, and the onset.
func drawChart(c *canvas, label writer, l leak.Leak, lines []line) {
	from, to, highest := bounds(lines)
	counts := countTicks(highest)
	top := counts[len(counts)-1].value
	place := func(at, count float64) point {
		return point{plotLeft + (at-from)/(to-from)*(plotRight-plotLeft), plotBottom - count/top*(plotBottom-plotTop)}
	}
	const toMiddle = 4 // from the baseline of a label to its middle
	for _, t := range counts {
		y := math.Round(place(from, t.value).y) + 0.5
		c.line(faint, 1, point{plotLeft, y}, point{plotRight, y})
		label.write(t.label, 20, right, plotLeft-8, y+toMiddle)
	}
	for _, t := range timeTicks(from, to) {
		x := math.Round(place(t.value, 0).x) + 0.5
		c.line(faint, 1, point{x, plotTop}, point{x, plotBottom})
		// A label at an edge stays within the picture.
		label.write(t.label, 20, center, min(x, plotRight-30), plotBottom+18)
	}
	for _, x := range lines {
		points := make([]point, len(x.at))
		for i := range x.at {
			points[i] = place(x.at[i], x.count[i])
		}
		c.line(x.ink, 1.5, points...)
	}
	if onset := seconds(l.Onset); onset > from && onset < to {
		c.dashed(accent, 1.5, place(onset, 0).x, plotTop, plotBottom)
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// line is the count of an instance over a span without gaps.
type line struct {
	ink       color.RGBA
	at, count []float64
}

// instanceLines returns the counts of the instances of a leak, a line for each span
// without gaps, and how many instances are left out.
func instanceLines(l leak.Leak, h collector.History) (lines []line, more int) {
	drawn := 0
	for _, in := range h.Instances {
		if !slices.Contains(l.Instances, in.Labels.Get("instance")) {
			continue
		}
		if drawn == maxDrawn {
			more++
			continue
		}
		next := line{ink: palette[drawn%len(palette)]}
		drawn++
		flush := func() {
			if len(next.at) > 1 {
				lines = append(lines, next)
			}
			next.at, next.count = nil, nil
		}
		for i, x := range in.Max[:min(len(in.Max), maxSteps+1)] {
			if !(x >= 0 && x <= maxCount) {
				flush()
				continue
			}
			next.at, next.count = append(next.at, seconds(h.Start.Add(time.Duration(i)*h.Step))), append(next.count, x)
		}
		flush()
	}
	return lines, more
}

// bounds returns the span and the highest count of lines.
func bounds(lines []line) (from, to, highest float64) {
	from, to = math.Inf(1), math.Inf(-1)
	for _, x := range lines {
		from, to = min(from, x.at[0]), max(to, x.at[len(x.at)-1])
		highest = max(highest, slices.Max(x.count))
	}
	return from, to, highest
}

// tick is a label of an axis.
type tick struct {
	value float64
	label string
}

// tickSteps are the times between two ticks that people count in. Beyond, it is whole weeks.
var tickSteps = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour,
}

// timeTicks returns up to seven ticks at round times over a span.
func timeTicks(from, to float64) (ticks []tick) {
	const most = 7
	step := tickSteps[len(tickSteps)-1].Seconds() * math.Ceil((to-from)/most/tickSteps[len(tickSteps)-1].Seconds())
	for _, s := range tickSteps {
		if (to-from)/s.Seconds() < most {
			step = s.Seconds()
			break
		}
	}
	format := "15:04"
	switch {
	case step < 60:
		format = "15:04:05"
	case step > 7*24*3600:
		format = time.DateOnly
	case step >= 24*3600:
		format = "Jan 2"
	case to-from > 20*3600:
		format = "Jan 2 15:04"
	}
	for x := math.Ceil(from/step) * step; x <= to && len(ticks) < most+1; x += step {
		ticks = append(ticks, tick{x, time.Unix(int64(math.Round(x)), 0).UTC().Format(format)})
	}
	return ticks
}

// countTicks returns round ticks from zero to above the highest count.
func countTicks(highest float64) (ticks []tick) {
	step := 1.0
	for _, factor := range []float64{1, 2, 5} {
		base := math.Pow(10, math.Floor(math.Log10(max(highest, 1)/4)))
		if step = max(factor*base, 1); highest/step <= 5 {
			break
		}
	}
	for i := 0; ; i++ {
		x := float64(i) * step
		ticks = append(ticks, tick{x, human.Number(x)})
		if x >= highest && i > 0 || i > 20 {
			return ticks
		}
	}
}

// stackLines returns the first lines of a stack difference.
func stackLines(diff string) []string {
	if diff == "" {
		return nil
	}
	lines := strings.Split(diff, "\n")
	return lines[:min(len(lines), maxStackLines)]
}
