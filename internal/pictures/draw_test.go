package pictures

import (
	"bytes"
	"flag"
	"image/color"
	"image/png"
	"math"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

var update = flag.Bool("update", false, "rewrite the golden picture")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 3, 2, 23, 5, 0, 0, time.UTC)

func checkout() leak.Leak {
	return leak.Leak{
		ID: "3f9c2a7b41de", Service: labels.FromStrings("namespace", "prod", "job", "checkout"), State: leak.Firing, Evidence: leak.Stack,
		Onset: time.Date(2026, 3, 2, 14, 2, 0, 0, time.UTC), DetectedAt: time.Date(2026, 3, 2, 14, 40, 0, 0, time.UTC), UpdatedAt: now,
		Rate: trend.Interval{Value: 212, Low: 190, High: 240}, Leaked: 1904, Share: 0.97,
		Instances: []string{"10.0.0.7:8080", "10.0.0.8:8080"}, InstancesTotal: 8,
		Stacks: []leak.StackGrowth{{
			Op: "chan send", Base: 12, Head: 1916, Share: 0.97,
			Key:       collector.Frame{Func: "main.logHandler.func1", File: "/src/handler.go", Line: 29},
			Frames:    []collector.Frame{{Func: "main.logHandler.func1", File: "/src/handler.go", Line: 29}},
			CreatedBy: collector.Frame{Func: "main.logHandler", File: "/src/handler.go", Line: 18},
		}},
	}
}

// series makes an instance that grows, one that grows and restarts, and one that does not leak.
func series() collector.History {
	h := collector.History{Start: time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC), Step: 3 * time.Minute, Steps: 240}
	for i, name := range []string{"10.0.0.7:8080", "10.0.0.8:8080", "10.0.0.9:8080"} {
		in := collector.NewInstanceHistory(labels.FromStrings("instance", name), h.Steps)
		for k := range in.Max {
			level := 40 + 5*math.Sin(float64(k)/9)
			if at := h.Start.Add(time.Duration(k) * h.Step); i < 2 && at.After(time.Date(2026, 3, 2, 14, 2, 0, 0, time.UTC)) {
				level += at.Sub(time.Date(2026, 3, 2, 14, 2, 0, 0, time.UTC)).Hours() * 106 / float64(i+1)
			}
			if i == 2 {
				level = 9000 // would change the scale
			}
			if i != 1 || k < 150 || k > 160 {
				in.Max[k] = level
			}
		}
		h.Instances = append(h.Instances, in)
	}
	return h
}

func alert(l leak.Leak) alerting.Alert {
	u := &url.URL{Scheme: "https", Host: "gorowatch.example.com", Path: "/"}
	return alerting.Render(l, alerting.Warning, alerting.RenderOptions{ExternalURL: u})
}

// golden compares pixels, not bytes, because compressors differ between Go versions. The edges
// of lines may differ a little, as processors round differently.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	want, err := png.Decode(bytes.NewReader(text))
	require.NoError(t, err)
	have, err := png.Decode(bytes.NewReader(got))
	require.NoError(t, err)
	require.Equal(t, want.Bounds(), have.Bounds())
	different := 0
	for y := want.Bounds().Min.Y; y < want.Bounds().Max.Y; y++ {
		for x := want.Bounds().Min.X; x < want.Bounds().Max.X; x++ {
			a, b := color.RGBAModel.Convert(want.At(x, y)).(color.RGBA), color.RGBAModel.Convert(have.At(x, y)).(color.RGBA)
			if max(apart(a.R, b.R), apart(a.G, b.G), apart(a.B, b.B), apart(a.A, b.A)) > 3 {
				different++
			}
		}
	}
	require.Zero(t, different, "pixels of %s differ; go test -update rewrites it", path)
}

func apart(a, b uint8) int { return max(int(a), int(b)) - min(int(a), int(b)) }

func TestGoldenPicture(t *testing.T) {
	l := checkout()
	got, err := Draw(l, alert(l), series())
	require.NoError(t, err)
	again, err := Draw(l, alert(l), series())
	require.NoError(t, err)
	require.Equal(t, got, again, "the same leak gives the same bytes")
	require.Less(t, len(got), 100<<10)
	golden(t, "checkout.png", got)
}

func TestPictureWithoutSeries(t *testing.T) {
	l := checkout()
	got, err := Draw(l, alert(l), collector.History{})
	require.NoError(t, err)
	golden(t, "no-series.png", got)
}

// TestPictureShowsNoOtherInstance: the alert counts two instances, so the picture shows nothing
// of the third.
func TestPictureShowsNoOtherInstance(t *testing.T) {
	l, all := checkout(), series()
	with, err := Draw(l, alert(l), all)
	require.NoError(t, err)
	all.Instances = all.Instances[:2]
	without, err := Draw(l, alert(l), all)
	require.NoError(t, err)
	require.Equal(t, without, with)
}

// TestPictureOfHostileInput: hostile names, numbers and sizes neither fail nor grow a picture.
func TestPictureOfHostileInput(t *testing.T) {
	l := checkout()
	l.Service = labels.FromStrings("namespace", strings.Repeat("\u202e<!channel>\x00", 500), "job", "日本")
	l.Stacks[0].Key.Func, l.Stacks[0].Frames[0].Func = strings.Repeat("f", 9000), strings.Repeat("\n\x1b[2J", 900)
	h := series()
	for k, x := range []float64{math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, -5, 0} {
		h.Instances[0].Max[k*7] = x
	}
	for i := range 400 {
		in := collector.NewInstanceHistory(labels.FromStrings("instance", "10.0.0.7:8080"), 100_000)
		in.Max[0], in.Max[1] = float64(i), float64(i)
		h.Instances = append(h.Instances, in)
	}
	got, err := Draw(l, alert(l), h)
	require.NoError(t, err)
	require.Less(t, len(got), 100<<10)
	size, err := png.DecodeConfig(bytes.NewReader(got))
	require.NoError(t, err)
	require.Equal(t, width, size.Width)
	require.LessOrEqual(t, size.Height, 460)
}

func TestDrawable(t *testing.T) {
	f, err := parseTypefaces()
	require.NoError(t, err)
	for in, want := range map[string]string{
		"+1,904 (12 → 1,916)  chan send": "+1,904 (12 → 1,916)  chan send",
		"  main.f  handler.go:29":        "  main.f  handler.go:29",
		"日本\x00\x1b[0m\u202e":            "????[0m?",
		strings.Repeat("x", 50):          strings.Repeat("x", 39) + "…",
		strings.Repeat(" ", 50):          strings.Repeat(" ", 40),
	} {
		require.Equal(t, want, drawable(f.mono, in, 40), in)
	}
}

func FuzzDrawable(f *testing.F) {
	fonts, err := parseTypefaces()
	require.NoError(f, err)
	f.Add("main.f \x00\u202e", 5)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = 1 + (n&0x7fffffff)%200
		got := []rune(drawable(fonts.mono, s, n))
		require.LessOrEqual(t, len(got), n)
		for _, r := range got {
			require.GreaterOrEqual(t, r, ' ')
		}
	})
}

func TestTicks(t *testing.T) {
	for highest, want := range map[float64]string{0: "0 1", 1: "0 1", 4: "0 1 2 3 4", 97: "0 20 40 60 80 100", 1916: "0 500 1,000 1,500 2,000", 9000: "0 2,000 4,000 6,000 8,000 10,000"} {
		var got []string
		for _, x := range countTicks(highest) {
			got = append(got, x.label)
		}
		require.Equal(t, want, strings.Join(got, " "), highest)
	}
	require.LessOrEqual(t, len(countTicks(math.MaxFloat64)), 22)
	for back, want := range map[time.Duration]string{
		20 * time.Second:             "23:04:40 23:04:45 23:04:50 23:04:55 23:05:00",
		12*time.Hour + 5*time.Minute: "12:00 14:00 16:00 18:00 20:00 22:00",
		72 * time.Hour:               "Feb 28 00:00 Feb 28 12:00 Mar 1 00:00 Mar 1 12:00 Mar 2 00:00 Mar 2 12:00",
		30 * 24 * time.Hour:          "Feb 5 Feb 12 Feb 19 Feb 26",
		10 * 365 * 24 * time.Hour:    "2017-06-08 2018-11-15 2020-04-23 2021-09-30 2023-03-09 2024-08-15 2026-01-22",
	} {
		var got []string
		for _, x := range timeTicks(seconds(now.Add(-back)), seconds(now)) {
			got = append(got, x.label)
		}
		require.Equal(t, want, strings.Join(got, " "), back)
	}
}
