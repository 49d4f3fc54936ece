package promapi

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/answer"
	"github.com/gorowatch/gorowatch/collector/promapi/apierror"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// answerWith writes series as given, in JSON.
func answerWith(w io.Writer, series ...string) {
	fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[`+strings.Join(series, ",")+`]}}`)
}

func seriesText(metric, v string) string {
	return fmt.Sprintf(`{"metric":{%s},"values":[[%d,"%s"]]}`, metric, t0.Add(time.Minute).Unix(), v)
}

// Labels are bounded before anything keeps or shows them. The other series are read, and a
// warning says what was left out, and why.
func TestLabelsThatAreNone(t *testing.T) {
	var names []string
	for i := range 10_000 {
		names = append(names, fmt.Sprintf(`"l%d":"x"`, i))
	}
	for name, c := range map[string]struct{ metric, why string }{
		"a value of 200 kB": {`"instance":"b","path":"` + strings.Repeat("x", 200_000) + `"`, `label "path" has a value of 200000 bytes, more than 2048`},
		"a name of 200 kB":  {`"instance":"b","` + strings.Repeat("x", 200_000) + `":"x"`, "a label has a name of 200000 bytes, more than 2048"},
		"10,000 labels":     {strings.Join(names, ","), "it has 10000 labels, more than 200"},
		"Latin 1":           {`"instance":"b","owner":"J` + "\xfc" + `rgen"`, `label "owner" has a value that is not UTF-8`},
	} {
		t.Run(name, func(t *testing.T) {
			s, reg := virtual(t, func(w http.ResponseWriter, _ *http.Request) {
				answerWith(w, seriesText(c.metric, "7"), seriesText(`"instance":"a"`, "8"))
			})
			for range 3 {
				w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
				require.NoError(t, err)
				require.Len(t, w.Series, 1)
				require.Equal(t, "a", w.Series[0].Labels.Get("instance"))
				require.Equal(t, 8.0, w.Series[0].Samples[0].Count)
				require.Len(t, w.Warnings, 3, "of each expression")
				for _, text := range w.Warnings {
					require.Contains(t, text, "1 series of ")
					require.Contains(t, text, c.why)
					require.Less(t, len(text), 500)
				}
				require.Len(t, s.join.counts.byLabels, 1)
			}
			requireDropped(t, reg, dropLabels, 9)
		})
	}
}

// requireDropped checks how much was dropped for a reason.
func requireDropped(t *testing.T, reg prometheus.Gatherer, reason string, n float64) {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "gorowatch_prometheus_dropped_total" {
			for _, m := range f.GetMetric() {
				want := 0.0
				if m.GetLabel()[0].GetValue() == reason {
					want = n
				}
				require.Equal(t, want, m.GetCounter().GetValue(), m.GetLabel()[0].GetValue())
			}
		}
	}
}

// Impossible counts are dropped, impossible loads and starts become unknown, and times outside
// of the query are dropped.
func TestValuesThatAreNone(t *testing.T) {
	for _, c := range []struct{ value, reason string }{
		{"NaN", dropNotFinite}, {"+Inf", dropNotFinite}, {"-Inf", dropNotFinite}, {"1e999", dropNotFinite},
		{"-1", dropNotCount}, {"1e300", dropNotCount}, {"9223372036854775807", dropNotCount},
	} {
		t.Run(c.value, func(t *testing.T) {
			s, reg := virtual(t, func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				if isCounts(r.Form.Get("query")) {
					answerWith(w, seriesText(`"instance":"a"`, c.value), seriesText(`"instance":"b"`, "7"))
					return
				}
				answerWith(w, seriesText(`"instance":"b"`, c.value))
			})
			w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
			require.NoError(t, err)
			require.Len(t, w.Series, 1)
			x := w.Series[0].Samples[0]
			require.Equal(t, 7.0, x.Count)
			if c.value != "9223372036854775807" { // which is a possible load
				require.True(t, math.IsNaN(x.Load), x.Load)
			}
			require.True(t, math.IsNaN(x.Start), x.Start)
			requireDropped(t, reg, c.reason, 1)
		})
	}
}

func TestTimesThatAreNone(t *testing.T) {
	at := func(times ...string) string {
		var values []string
		for _, x := range times {
			values = append(values, "["+x+`,"7"]`)
		}
		return `{"metric":{"instance":"a"},"values":[` + strings.Join(values, ",") + "]}"
	}
	good := fmt.Sprint(t0.Add(time.Minute).Unix())
	for name, c := range map[string]struct {
		series string
		reason string
		n      float64
	}{
		"twice":             {at(good, good), dropOutOfOrder, 1},
		"backwards":         {at(good, fmt.Sprint(t0.Add(30*time.Second).Unix())), dropOutOfOrder, 1},
		"in the far future": {at("99999999999", good), dropOutOfRange, 1},
		"at no time":        {at("1e300", "-1e300", good), dropOutOfRange, 2},
		"before the window": {at("0", good), dropOutOfRange, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, reg := virtual(t, func(w http.ResponseWriter, r *http.Request) { answerWith(w, c.series) })
			w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
			require.NoError(t, err)
			require.Len(t, w.Series, 1)
			require.Len(t, w.Series[0].Samples, 1)
			require.Equal(t, t0.Add(time.Minute).UnixMilli(), w.Series[0].Samples[0].T)
			requireDropped(t, reg, c.reason, c.n)
		})
	}
}

// A part of an answer that does not end fails long before the bound of the whole answer is in
// memory.
func TestPartWithoutAnEnd(t *testing.T) {
	for name, before := range map[string]string{
		"value":   `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"`,
		"name":    `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"`,
		"warning": `{"status":"success","warnings":["`,
		"error":   `{"status":"error","error":"`,
	} {
		t.Run(name, func(t *testing.T) {
			body := &counted{r: io.MultiReader(strings.NewReader(before), endless{})}
			v := newVector(10, signals.Default().Goroutines)
			v.begin(true)
			_, err := answer.Decode(body, v.Take)
			require.Equal(t, collector.ReasonTooLarge, collector.ReasonOf(err), err)
			require.ErrorContains(t, err, "one series or text of its answer has more than 4 MiB")
			require.Less(t, body.n, 5<<20)
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// A server's texts are shown shortened, on one line, and in UTF-8.
func TestTextsAreBounded(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	s, _ := virtual(t, func(w http.ResponseWriter, _ *http.Request) {
		var texts []string
		for i := range 500 {
			texts = append(texts, fmt.Sprintf(`"%d %s\u001b[2J"`, i, long[:3000]))
		}
		fmt.Fprint(w, `{"status":"success","warnings":[`+strings.Join(texts, ",")+`],"data":{"resultType":"matrix","result":[]}}`)
	})
	w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
	require.NoError(t, err)
	require.Len(t, w.Warnings, answer.MaxWarnings)
	for _, text := range w.Warnings {
		require.Less(t, len(text), apierror.MaxText+50)
		require.NotContains(t, text, "\x1b")
	}
	for name, body := range map[string]string{
		"error":   `{"status":"error","errorType":"execution","error":"` + long + `"}`,
		"type":    `{"status":"error","errorType":"` + long + `","error":"x"}`,
		"kind":    `{"status":"success","data":{"resultType":"` + long + `","result":[]}}`,
		"no JSON": long,
	} {
		s, _ := virtual(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
		_, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.Error(t, err, name)
		require.Less(t, len(err.Error()), 2000, name)
		_, _, err = s.Matrix(t.Context(), "up", t0, t0.Add(time.Minute))
		require.Error(t, err, name)
		require.Less(t, len(err.Error()), 2000, name)
	}
}

// Notes about our own expressions are known and not shown. Other notes, such as that a part is
// missing, are.
func TestInfosAreShown(t *testing.T) {
	s, _ := virtual(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status":"success","infos":["PromQL info: metric might not be a counter","store 3 is away, the result is partial"],"data":{"resultType":"matrix","result":[]}}`)
	})
	w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
	require.NoError(t, err)
	require.Equal(t, []string{"store 3 is away, the result is partial"}, w.Warnings)
}

// Series with label names of their own cost no more than others.
func TestLabelNamesWithoutEnd(t *testing.T) {
	const n = 20_000
	s, _ := virtual(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		var all []string
		for i := range n {
			all = append(all, seriesText(fmt.Sprintf(`"instance":"%d","%c%d":"x"`, i, r.Form.Get("query")[0], i), "7"))
		}
		answerWith(w, all...)
	})
	began := time.Now()
	w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
	require.NoError(t, err)
	require.Len(t, w.Series, n)
	require.Less(t, time.Since(began), 20*time.Second)
}

// A version is bounded, because it goes into alerts and pages.
func TestVersionIsBounded(t *testing.T) {
	s, _ := virtual(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"build_info","job":"x","instance":"a","version":"%s"},"value":[1,"1"]},`+
			`{"metric":{"__name__":"build_info","job":"x","instance":"b","version":"v1.42.0"},"value":[1,"1"]}]}}`, strings.Repeat("9", 200_000))
	})
	of, err := s.Versions(t.Context(), t0)
	require.NoError(t, err)
	require.Empty(t, of(labels.FromStrings("job", "x", "instance", "a")))
	require.Equal(t, "v1.42.0", of(labels.FromStrings("job", "x", "instance", "b")))
}
