package scale

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// perService is how many instances a service has.
const perService = 20

// Fleet is instances of services: a server that answers as their Prometheus and as the
// instances themselves.
type Fleet struct {
	n     int
	began time.Time
	addr  string
	// metrics are the labels of each series as JSON, without the name.
	metrics []string
	names   [][][2]string
	profile []byte

	Points atomic.Int64 // answered
	Pulls  atomic.Int64 // of profiles
}

// NewFleet makes n instances that answer at an address.
func NewFleet(n int, addr net.Addr) *Fleet {
	f := &Fleet{n: n, began: time.Now().Add(-30 * 24 * time.Hour).Truncate(time.Hour), addr: addr.String()}
	for i := range n {
		service := i / perService
		pairs := [][2]string{
			{"container", "app"},
			{"endpoint", "http-metrics"},
			{"instance", fmt.Sprintf("10.%d.%d.%d:8080", i>>16, i>>8&255, i&255)},
			{"job", fmt.Sprintf("service-%d", service)},
			{"namespace", fmt.Sprintf("team-%d", service%25)},
			{"pod", fmt.Sprintf("service-%d-7c9d8b6f5d-%05x", service, i)},
			{"service", fmt.Sprintf("service-%d", service)},
		}
		var b strings.Builder
		for _, p := range pairs {
			fmt.Fprintf(&b, ",%q:%q", p[0], p[1])
		}
		f.metrics, f.names = append(f.metrics, b.String()[1:]), append(f.names, pairs)
	}
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 0)
	f.profile = b.Bytes()
	return f
}

// noise returns a number in [0, 1) that depends on an instance and a time.
func noise(i int, unix int64) float64 {
	x := uint64(i)*0x9e3779b97f4a7c15 + uint64(unix)*0xbf58476d1ce4e5b9
	x = (x ^ x>>30) * 0x94d049bb133111eb
	x ^= x >> 31
	return float64(x>>11) / (1 << 53)
}

// traffic returns the traffic of an instance, which follows the day.
func traffic(i int, unix int64) float64 {
	return 1 + 0.6*math.Sin(2*math.Pi*float64(unix%86400)/86400+float64(i/perService%7)/3)
}

// Goroutines returns those of a healthy instance, at the traffic of the time.
func (f *Fleet) Goroutines(i int, unix int64) float64 {
	return math.Floor(30 + 60*traffic(i, unix) + 12*noise(i, unix))
}

// load returns the load of an instance, in CPU seconds per second.
func (f *Fleet) load(i int, unix int64) float64 { return 0.2 * traffic(i, unix) }

// CPU returns the counter of the CPU seconds, of any instance.
func (f *Fleet) CPU(unix int64) float64 {
	return 0.2 * float64(unix-f.began.Unix())
}

// Start returns the start of the process.
func (f *Fleet) Start(i int) float64 { return float64(f.began.Unix() - int64(i%3600)) }

// ServeHTTP implements http.Handler.
func (f *Fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/api/v1/query_range":
		f.queryRange(w, r)
	case r.URL.Path == "/api/v1/targets":
		f.targets(w)
	case strings.HasPrefix(r.URL.Path, "/debug/pprof/goroutine"):
		f.Pulls.Add(1)
		_, _ = w.Write(f.profile)
	default:
		http.NotFound(w, r)
	}
}

func (f *Fleet) queryRange(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	number := func(name string) int64 {
		x, _ := strconv.ParseFloat(r.Form.Get(name), 64)
		return int64(x)
	}
	start, end, step := number("start"), number("end"), max(1, number("step"))
	expr := r.Form.Get("query")
	var value func(i int, unix int64) float64
	name := ""
	switch {
	case strings.HasPrefix(expr, "{__name__="), strings.HasPrefix(expr, "go_goroutines"):
		value, name = f.Goroutines, "go_goroutines"
	case strings.HasPrefix(expr, "min_over_time("): // of blocks of five steps of a minute
		value = func(i int, unix int64) float64 {
			low := math.Inf(1)
			for k := range int64(5) {
				low = min(low, f.Goroutines(i, unix-60*k))
			}
			return low
		}
	case strings.HasPrefix(expr, "rate("):
		value = f.load
	default:
		value, name = func(i int, _ int64) float64 { return f.Start(i) }, "process_start_time_seconds"
	}
	if name != "" {
		name = `"__name__":"` + name + `",`
	}
	w.Header().Set("Content-Type", "application/json")
	var out interface{ Write([]byte) (int, error) } = w
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		defer z.Close()
		out = z
	}
	b := []byte(`{"status":"success","data":{"resultType":"matrix","result":[`)
	points := int64(0)
	for i := range f.n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"metric":{`...), name...), f.metrics[i]...)
		b = append(b, `},"values":[`...)
		for t := start; t <= end; t += step {
			if t > start {
				b = append(b, ',')
			}
			b = strconv.AppendInt(append(b, '['), t, 10)
			b = strconv.AppendFloat(append(b, `,"`...), value(i, t), 'f', -1, 64)
			b = append(b, `"]`...)
			points++
		}
		b = append(b, `]}`...)
		if len(b) > 1<<16 {
			_, _ = out.Write(b)
			b = b[:0]
		}
	}
	_, _ = out.Write(append(b, `]}}`...))
	f.Points.Add(points)
}

func (f *Fleet) targets(w http.ResponseWriter) {
	type target struct {
		ScrapePool string            `json:"scrapePool"`
		ScrapeURL  string            `json:"scrapeUrl"`
		Health     string            `json:"health"`
		Labels     map[string]string `json:"labels"`
	}
	var all []target
	for i := range f.n {
		ls := map[string]string{}
		for _, p := range f.names[i] {
			ls[p[0]] = p[1]
		}
		all = append(all, target{ScrapePool: "fleet", ScrapeURL: "http://" + f.addr + "/metrics", Health: "up", Labels: ls})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"activeTargets": all}})
}
