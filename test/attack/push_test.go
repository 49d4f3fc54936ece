package attack

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gorowatch/gorowatch/test/e2e"
)

const (
	pushPath   = "/push.v1.PusherService/Push"
	protobuf   = "Content-Type: application/proto"
	ingestName = "checkout{namespace=shop,pod=checkout-1}"
)

// receiving starts a gorowatch that accepts pushed profiles of one instance.
func receiving(t *testing.T, push string) *e2e.Gorowatch {
	t.Helper()
	prometheus := fakePrometheus(t, func() []fakeSeries {
		return []fakeSeries{{
			labels: `"namespace":"shop","job":"checkout","pod":"checkout-1","instance":"10.0.0.1:8080"`,
			count:  func(time.Time) (string, bool) { return "10", true },
		}}
	})
	g := e2e.StartGorowatch(t, t.TempDir(), fmt.Sprintf(`
global: {evaluation_interval: %[1]s}
trend: {base: %[1]s}
profiles: {baseline_interval: 2s, suspicion_interval: 2s, push: {enabled: true%[3]s}}
prometheus: {url: %[2]s}
`, blink, prometheus, push))
	g.WaitReady(t)
	e2e.Eventually(t, time.Minute, "the instance is watched", func() error {
		if n := g.Metric(t, "gorowatch_series"); n != 1 {
			return fmt.Errorf("%g series", n)
		}
		return nil
	})
	return g
}

// dropped returns how many profiles were dropped for a reason.
func dropped(t *testing.T, g *e2e.Gorowatch, reason string) float64 {
	t.Helper()
	return g.Metric(t, `gorowatch_push_dropped_total{reason="`+reason+`"}`)
}

// goroutines returns a profile of this process.
func goroutines(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&b, 0))
	return b.String()
}

// form returns a request of pyroscope-go with a profile, and its content type.
func form(t *testing.T, profile string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, content := range map[string]string{"profile": profile, "sample_type_config": `{"goroutine":{"units":"goroutines"}}`} {
		part, err := w.CreateFormFile(name, name)
		require.NoError(t, err)
		_, err = io.WriteString(part, content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.String(), "Content-Type: " + w.FormDataContentType()
}

// ingest sends a profile as pyroscope-go does.
func ingest(t *testing.T, g *e2e.Gorowatch, name, profile string, header ...string) (int, string) {
	t.Helper()
	body, contentType := form(t, profile)
	q := url.Values{"name": {name}, "from": {fmt.Sprint(time.Now().Add(-time.Second).UnixNano())}, "until": {fmt.Sprint(time.Now().UnixNano())}}
	resp, text := ask(t, http.MethodPost, g.URL+"/ingest?"+q.Encode(), body, append(header, contentType)...)
	return resp.StatusCode, text
}

// message returns a push.v1.PushRequest with one series.
func message(profile string, pairs ...string) string {
	field := func(b []byte, n protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), value)
	}
	var series []byte
	for i := 0; i < len(pairs); i += 2 {
		series = field(series, 1, field(field(nil, 1, []byte(pairs[i])), 2, []byte(pairs[i+1])))
	}
	return string(field(nil, 1, field(series, 2, field(nil, 1, []byte(profile)))))
}

func compressed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	require.NoError(t, err)
	_, err = io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

// A sender that floods gorowatch is refused, and no other is.
func TestFloodOfPushes(t *testing.T) {
	t.Parallel()
	g := receiving(t, ", sender_rate: 2")
	statuses := map[int]int{}
	body := message(goroutines(t), "__name__", "goroutine", "namespace", "shop", "job", "checkout", "pod", "checkout-1")
	for range 200 {
		statuses[status(t, http.MethodPost, g.URL+pushPath, body, protobuf)]++
	}
	require.Greater(t, statuses[http.StatusTooManyRequests], 100, statuses)
	require.Equal(t, float64(statuses[http.StatusTooManyRequests]), dropped(t, g, "rate"))
	// Another user at the same address has its own bounds.
	code, text := ingest(t, g, ingestName, goroutines(t), "Authorization: Basic YWxsb3k6")
	require.Equal(t, http.StatusOK, code, text)
	require.Equal(t, http.StatusOK, status(t, http.MethodGet, g.URL+"/-/healthy", ""))
}

// A small request that decompresses to much is given up early, in whichever way it is packed.
func TestBombsInPushes(t *testing.T) {
	t.Parallel()
	g := receiving(t, ", request_limit: 1MiB")
	bomb := compressed(t, strings.Repeat("\x00", 600<<20))
	require.Less(t, len(bomb), 1<<20)
	before := anonymousMemory(t, g)
	for range 3 {
		for _, path := range []string{pushPath, "/ingest?name=" + url.QueryEscape(ingestName)} {
			contentType := protobuf
			if path != pushPath {
				_, contentType = form(t, "")
			}
			require.Equal(t, http.StatusRequestEntityTooLarge, status(t, http.MethodPost, g.URL+path, bomb, contentType, "Content-Encoding: gzip"), path)
		}
	}
	// A profile, which is compressed itself, and twice. One that is not needed is not
	// decompressed, so they are sent until two were.
	e2e.Eventually(t, time.Minute, "bombs are opened", func() error {
		for _, profile := range []string{bomb, compressed(t, bomb)} {
			code, text := ingest(t, g, ingestName, profile)
			require.Contains(t, []int{http.StatusOK, http.StatusRequestEntityTooLarge, http.StatusBadRequest}, code, text)
		}
		if n := dropped(t, g, "too_large") + dropped(t, g, "bad_profile"); n < 8 {
			return fmt.Errorf("%g are dropped", n)
		}
		return nil
	})
	require.Zero(t, g.Metric(t, `gorowatch_push_profiles_total{result="used"}`))
	require.Equal(t, http.StatusRequestEntityTooLarge, status(t, http.MethodPost, g.URL+pushPath, strings.Repeat("x", 1<<20+1), protobuf), "all of it is read: the connection is not reset")
	require.Less(t, anonymousMemory(t, g)-before, 600e6)
	code, text := ingest(t, g, ingestName, goroutines(t))
	require.Equal(t, http.StatusOK, code, text)
}

// anonymousMemory returns the anonymous memory of the process.
func anonymousMemory(t *testing.T, g *e2e.Gorowatch) float64 {
	t.Helper()
	return g.Metric(t, "process_resident_memory_bytes")
}

// Labels of a push are refused or inert: they do not fill metrics, and their markup has no
// effect on a page.
func TestHostileLabelsOfPushes(t *testing.T) {
	t.Parallel()
	g := receiving(t, ", sender_series: 20")
	const markup = "<script>alert(1)</script>"
	profile := goroutines(t)
	own := []string{"__name__", "goroutine", "namespace", "shop", "job", "checkout", "pod", "checkout-1"}
	for name, c := range map[string]struct {
		labels []string
		want   int
	}{
		"twice":        {append(own, "pod", "checkout-2"), http.StatusBadRequest},
		"no name":      {append(own, "", "x"), http.StatusBadRequest},
		"not UTF-8":    {append(own, "x", "\xff\xfe"), http.StatusBadRequest},
		"a long value": {append(own, "x", strings.Repeat("x", 3<<10)), http.StatusBadRequest},
		"too many": {func() []string {
			all := own
			for i := range 1000 {
				all = append(all, fmt.Sprintf("l%d", i), "x")
			}
			return all
		}(), http.StatusBadRequest},
		"markup":  {append(own[:6:6], "pod", markup), http.StatusNotFound},
		"nobody":  {append(own[:4:4], "job", "x", "pod", "../../etc/passwd\x00\r\nSet-Cookie: a=b"), http.StatusNotFound},
		"its own": {own, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			resp, text := ask(t, http.MethodPost, g.URL+pushPath, message(profile, c.labels...), protobuf)
			require.Equal(t, c.want, resp.StatusCode, text)
			require.Empty(t, resp.Header.Get("Set-Cookie"))
			if c.want != http.StatusOK {
				require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
				require.Less(t, len(text), 1000)
			}
		})
	}
	before := len(readPage(t, g.URL+"/metrics"))
	refused := 0
	for i := range 200 {
		if status(t, http.MethodPost, g.URL+pushPath, message(profile, append(own[:6:6], "pod", fmt.Sprintf("%s-%d", markup, i))...), protobuf) == http.StatusUnprocessableEntity {
			refused++
		}
	}
	require.Greater(t, refused, 150)
	require.InDelta(t, before, len(readPage(t, g.URL+"/metrics")), 2000)
	for _, path := range []string{"/", "/targets", "/status", "/services", "/metrics"} {
		require.NotContains(t, readPage(t, g.URL+path), markup, path)
	}
}

// Other forms of the call, and other types, are answered with 415 before the body is read.
func TestContentTypesOfPushes(t *testing.T) {
	t.Parallel()
	g := receiving(t, "")
	wrong := []string{"", "application/json", "application/connect+proto", "application/grpc", "application/grpc+proto", "application/grpc-web+proto", "application/grpc-web-text", "application/x-protobuf", "text/plain", "application/proto; charset", ";", strings.Repeat("x", 10_000)}
	for _, typ := range wrong {
		var header []string
		if typ != "" {
			header = append(header, "Content-Type: "+typ)
		}
		resp, text := ask(t, http.MethodPost, g.URL+pushPath, `{"series":[]}`, header...)
		require.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode, typ)
		require.Equal(t, "application/proto", resp.Header.Get("Accept-Post"))
		require.Contains(t, text, `"code":"unimplemented"`)
		require.Contains(t, text, "application/proto")
		require.Less(t, len(text), 300)
	}
	require.Equal(t, float64(len(wrong)), dropped(t, g, "content_type"))
	resp, _ := ask(t, http.MethodPost, g.URL+pushPath, "x", protobuf, "Content-Encoding: zstd")
	require.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode)
	require.Equal(t, http.StatusMethodNotAllowed, status(t, http.MethodGet, g.URL+pushPath, ""))
}

// Senders that never finish their requests block neither another sender nor a probe.
func TestSlowSenders(t *testing.T) {
	t.Parallel()
	g := receiving(t, "")
	address := strings.TrimPrefix(g.URL, "http://")
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for range 40 {
		c, err := dialer.DialContext(t.Context(), "tcp", address)
		if err != nil && strings.Contains(err.Error(), "cannot assign requested address") {
			t.Skip("the machine has one loopback address alone")
		}
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		_, err = io.WriteString(c, "POST "+pushPath+" HTTP/1.1\r\nHost: localhost\r\n"+protobuf+"\r\nContent-Length: 1000\r\n\r\nslow")
		require.NoError(t, err)
	}
	e2e.Eventually(t, time.Minute, "the slow sender has all that it may have", func() error {
		if dropped(t, g, "busy") == 0 {
			return errors.New("none of its requests is refused")
		}
		return nil
	})
	code, text := ingest(t, g, ingestName, goroutines(t))
	require.Equal(t, http.StatusOK, code, text)
	require.Equal(t, http.StatusOK, status(t, http.MethodGet, g.URL+"/-/healthy", ""))
}
