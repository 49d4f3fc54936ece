package attack

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/test/e2e"
)

// wire writes profiles as protocol buffers that no honest program would write.
type wire []byte

func (w wire) num(field int, v uint64) wire {
	return binary.AppendUvarint(binary.AppendUvarint(w, uint64(field)<<3), v)
}

func (w wire) msg(field int, b []byte) wire {
	w = binary.AppendUvarint(binary.AppendUvarint(w, uint64(field)<<3|2), uint64(len(b)))
	return append(w, b...)
}

// profile returns the beginning of a goroutine profile with a sample, whose rest is
// given.
func profile(count uint64, rest []byte) wire {
	w := wire{}.msg(1, wire{}.num(1, 1)).msg(2, append(wire{}.num(2, count), rest...))
	for _, s := range []string{"", "goroutine", "key", strings.Repeat("v", 100)} {
		w = w.msg(6, []byte(s))
	}
	return w
}

func gzipped(write func(io.Writer)) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	write(zw)
	if err := zw.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// hostile is a service that answers every request for a profile in one way.
type hostile struct {
	answer func(w http.ResponseWriter, r *http.Request)
	// want is part of the text of the target's page, empty if all is well.
	want  string
	asked atomic.Int64
}

func answerWith(body []byte) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }
}

// start serves metrics of a healthy service beside the hostile profiles.
func (h *hostile) start(t *testing.T) (addr string) {
	began := time.Now()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			h.asked.Add(1)
			h.answer(w, r)
			return
		}
		fmt.Fprintf(w, "go_goroutines 10\nprocess_start_time_seconds %d\nprocess_cpu_seconds_total %g\n", began.Unix(), time.Since(began).Seconds())
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// peakMemory returns the most memory that a process has ever had, in bytes, without the pages
// of its own file, which the kernel can take back. It is 0 if the system does not report it.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	kb := func(field string) int {
		m := regexp.MustCompile(field + `:\s+(\d+) kB`).FindSubmatch(text)
		require.NotNil(t, m)
		n, err := strconv.Atoi(string(m[1]))
		require.NoError(t, err)
		return n
	}
	return (kb("VmHWM") - kb("RssFile")) << 10
}

// A gorowatch with the memory of the chart watches services whose profiles are bombs, endless,
// cut, or missing. Each is a reason on the page Targets and no more: gorowatch answers, its
// memory stays within the limit, its log short, and it ends at once.
func TestHostileProfiles(t *testing.T) {
	t.Parallel()
	label := wire{}.msg(3, wire{}.num(1, 2).num(2, 3))
	text := bytes.Repeat([]byte("x"), 64<<10)
	unused := gzipped(func(w io.Writer) {
		_, _ = w.Write(profile(1, nil))
		for range 4000 { // 262 MB
			_, _ = w.Write(wire{}.msg(6, text))
		}
	})
	used := gzipped(func(w io.Writer) {
		_, _ = w.Write(profile(1, nil))
		for i := range uint64(4000) {
			_, _ = w.Write(wire{}.msg(5, wire{}.num(1, i+1).num(2, i+4)))
		}
		for range 4000 {
			_, _ = w.Write(wire{}.msg(6, text))
		}
	})
	good := gzipped(func(w io.Writer) { _, _ = w.Write(profile(3, nil)) })
	bomb := gzipped(func(w io.Writer) { _, _ = w.Write(profile(1, bytes.Repeat(label, 100_000))) })
	require.Less(t, len(bomb), 4096)
	zeros := gzipped(func(w io.Writer) {
		_, _ = w.Write(profile(1, nil))
		for range 600 << 20 / len(text) {
			_, _ = w.Write(make([]byte, len(text)))
		}
	})
	trickles := make(chan struct{}, 100)

	const jobOfLongName = "long"
	services := map[string]*hostile{
		"good":      {answer: answerWith(good)},
		"labels":    {answer: answerWith(bomb)},
		"count":     {answer: answerWith(profile(math.MaxInt64, nil)), want: "which no program has"},
		"truncated": {answer: answerWith(good[:len(good)-9]), want: "ends early"},
		"gzip":      {answer: answerWith(zeros), want: "bytes when decompressed"},
		"html":      {answer: answerWith([]byte("<!doctype html><script>alert(1)</script>")), want: "that is a web page"},
		"endless": {answer: func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(profile(1, nil))
			comment := wire{}.msg(13, text)
			for r.Context().Err() == nil {
				if _, err := w.Write(comment); err != nil {
					return
				}
			}
		}, want: "bytes of memory to decode"},
		"trickle": {answer: func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(profile(1, nil))
			w.(http.Flusher).Flush()
			trickles <- struct{}{}
			<-r.Context().Done()
		}},
		jobOfLongName: {answer: answerWith([]byte("nothing")), want: "that is text, not a goroutine profile"},
	}
	for i := range 4 {
		services[fmt.Sprintf("unused%d", i)] = &hostile{answer: answerWith(unused)}
		services[fmt.Sprintf("used%d", i)] = &hostile{answer: answerWith(used), want: "bytes of memory to decode"}
	}
	config := "global: {evaluation_interval: 1s}\ntrend: {base: 1s}\n" +
		"profiles: {baseline_interval: 1s, timeout: 5m, concurrency: 20, bandwidth: 10GiB, target_bandwidth: 1GiB}\ntargets:\n"
	for job, h := range services {
		extra := ""
		if job == jobOfLongName {
			extra = ", pod: " + strings.Repeat("p", 2000) // a longer label is left out
		}
		config += fmt.Sprintf("- {static: ['%s'], labels: {namespace: shop, job: %s%s}}\n", h.start(t), job, extra)
	}
	g := e2e.StartGorowatchBy(t, t.TempDir(), config, []string{"env", "GOMEMLIMIT=460MiB"}, "--storage.tsdb.path="+t.TempDir(), "--log.level=debug")

	healthy := func() error { return get(g.URL + "/-/healthy") }
	e2e.Eventually(t, 3*time.Minute, "every target was asked", func() error {
		require.NoError(t, healthy(), "it answers meanwhile")
		pending := map[string]string{}
		for _, target := range g.Targets(t) {
			job := target.Labels["job"]
			h := services[job]
			switch {
			case job == "trickle":
				continue
			case h.asked.Load() == 0:
				pending[job] = "not asked"
			case h.want == "" && target.State != "up":
				pending[job] = target.State + ": " + target.Error
			case !strings.Contains(target.Error, h.want):
				pending[job] = fmt.Sprintf("%s: %s, expected %q", target.State, target.Error, h.want)
			}
		}
		if len(pending) > 0 {
			return fmt.Errorf("%v", pending)
		}
		return nil
	})
	e2e.Eventually(t, time.Minute, "bombs are set aside", func() error {
		if n := g.Metric(t, `gorowatch_profile_pulls_total{result="set_aside"}`); n < 4 {
			return fmt.Errorf("%g", n)
		}
		return nil
	})
	for i := range 4 {
		require.EqualValues(t, 1, services[fmt.Sprintf("used%d", i)].asked.Load(), "not asked again")
	}
	<-trickles // a pull is running
	require.NoError(t, healthy())
	peak := peakMemory(t, g.PID())
	t.Logf("peak memory: %d MiB", peak>>20)
	require.Less(t, peak, 460<<20)
	_, metrics := read(t, g.URL+"/metrics")
	for line := range strings.Lines(metrics) {
		require.Less(t, len(line), 16<<10, "a line of the metrics: %.200s", line)
	}
	for line := range strings.Lines(g.Output()) {
		require.Less(t, len(line), 16<<10, "a line of the log: %.200s", line)
	}

	began := time.Now()
	g.Stop(t)
	require.Less(t, time.Since(began), 5*time.Second)
}

func get(url string) error {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}
