package push

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const connectPath = "/push.v1.PusherService/Push"

var checkout = labels.FromStrings("namespace", "shop", "job", "checkout", "pod", "checkout-1", "instance", "10.0.0.1:8080")

// backend is a gorowatch that needs every profile.
type backend struct {
	mtx      sync.Mutex
	starting bool
	watched  []labels.Labels
	answer   error // to each push
	unneeded bool
	got      []*collector.Profile
	pushed   []profiling.Push
	block    chan struct{} // nil: nothing waits
}

func (b *backend) Ready() bool                       { return !b.starting }
func (b *backend) WatchedInstances() []labels.Labels { return b.watched }

func (b *backend) Push(ctx context.Context, _ time.Time, p profiling.Push) (bool, error) {
	if b.block != nil {
		<-b.block
	}
	if b.unneeded {
		return false, nil
	}
	profile, err := p.Decode(ctx)
	if err != nil {
		return false, err
	}
	b.mtx.Lock()
	defer b.mtx.Unlock()
	b.pushed = append(b.pushed, p)
	b.got = append(b.got, profile)
	return b.answer == nil, b.answer
}

// receiver is a Handler under test.
type receiver struct {
	*testing.T
	*Handler
	backend *backend
	reg     *prometheus.Registry
	now     time.Time
	config  Config
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{
		T: t, backend: &backend{watched: []labels.Labels{checkout}}, reg: prometheus.NewRegistry(), now: time.Now(),
		config: Config{Enabled: true, RequestLimit: 1 << 20, SenderRate: 100, SenderBandwidth: 1 << 20, SenderSeries: 100},
	}
	var err error
	r.Handler, err = New(Options{Backend: r.backend, Config: r.config, Registerer: r.reg, Now: func() time.Time { return r.now }})
	require.NoError(t, err)
	return r
}

// configure changes the configuration.
func (r *receiver) configure(change func(*Config)) {
	change(&r.config)
	r.Apply(r.config)
}

// drops returns how many were dropped for each reason.
func (r *receiver) drops() map[Reason]int {
	out := map[Reason]int{}
	for reason := range answers {
		if n := int(testutil.ToFloat64(r.metrics.dropped.WithLabelValues(string(reason)))); n > 0 {
			out[reason] = n
		}
	}
	return out
}

func (r *receiver) count(result string) int {
	return int(testutil.ToFloat64(r.metrics.profiles.WithLabelValues(result)))
}

// goroutines returns a real profile of this process.
func goroutines(t testing.TB) []byte { return runtimeProfile(t, "goroutine") }

func runtimeProfile(t testing.TB, name string) []byte {
	var b bytes.Buffer
	require.NoError(t, pprof.Lookup(name).WriteTo(&b, 0))
	return b.Bytes()
}

// form writes a request as pyroscope-go sends it.
func form(t testing.TB, parts map[string]string) (contentType string, body []byte) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, content := range parts {
		part, err := w.CreateFormFile(name, name+".x")
		require.NoError(t, err)
		_, _ = io.WriteString(part, content)
	}
	require.NoError(t, w.Close())
	return w.FormDataContentType(), b.Bytes()
}

const goroutineTypes = `{"goroutine":{"units":"goroutines","display-name":"goroutine","aggregation":"average"}}`

// ingest sends a profile as pyroscope-go does.
func (r *receiver) ingest(name string, profile []byte, types string) *httptest.ResponseRecorder {
	typ, body := form(r, map[string]string{"profile": string(profile), "sample_type_config": types})
	return r.send(r.Handler.Ingest, "/ingest?"+url.Values{
		"name": {name}, "from": {fmt.Sprint(r.now.Add(-15 * time.Second).UnixNano())}, "until": {fmt.Sprint(r.now.UnixNano())},
		"spyName": {"gospy"}, "sampleRate": {"100"}, "units": {"goroutines"}, "aggregationType": {"average"},
	}.Encode(), typ, body, nil)
}

func (r *receiver) send(f http.HandlerFunc, target, typ string, body []byte, change func(*http.Request)) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, target, bytes.NewReader(body))
	if typ != "" {
		req.Header.Set("Content-Type", typ)
	}
	if change != nil {
		change(req)
	}
	w := httptest.NewRecorder()
	f(w, req)
	return w
}

// message writes a push.v1.PushRequest with series of labels and profiles.
func message(list ...series) []byte {
	var out []byte
	field := func(b []byte, n protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), value)
	}
	for _, s := range list {
		var b []byte
		for _, l := range s.labels {
			b = field(b, 1, field(field(nil, 1, []byte(l.Name)), 2, []byte(l.Value)))
		}
		for _, p := range s.profiles {
			b = field(b, 2, field(field(nil, 1, p), 2, []byte("an-id")))
		}
		out = field(out, 1, b)
	}
	return out
}

func list(pairs ...string) (out []labels.Label) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, labels.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

var alloyLabels = list("__name__", "goroutine", "instance", "10.0.0.1:8080", "job", "checkout", "namespace", "shop", "pod", "checkout-1", "service_name", "shop/checkout")

func (r *receiver) push(body []byte, change func(*http.Request)) *httptest.ResponseRecorder {
	return r.send(r.Handler.Push, "http://gorowatch"+connectPath, "application/proto", body, func(req *http.Request) {
		req.Header.Set("Connect-Protocol-Version", "1")
		if change != nil {
			change(req)
		}
	})
}

const checkoutName = "checkout{namespace=shop,pod=checkout-1}"

func TestIngest(t *testing.T) {
	r := newReceiver(t)
	profile := goroutines(t)
	w := r.ingest(checkoutName, profile, goroutineTypes)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Len(t, r.backend.got, 1)
	require.Equal(t, checkout, r.backend.pushed[0].Instance)
	require.Equal(t, collector.KindGoroutine, r.backend.got[0].Kind)
	require.Equal(t, profile, r.backend.got[0].Raw)
	require.Positive(t, r.backend.got[0].Total)
	require.WithinDuration(t, r.now, r.backend.got[0].Time, time.Minute)
	require.Equal(t, 1, r.count("used"))
	require.Empty(t, r.drops())
	require.Positive(t, testutil.ToFloat64(r.metrics.bytes))
}

func TestIngestWithoutForm(t *testing.T) {
	r := newReceiver(t)
	w := r.send(r.Ingest, "/ingest?format=pprof&name="+url.QueryEscape(checkoutName), "binary/octet-stream", goroutines(t), nil)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Len(t, r.backend.got, 1)
	w = r.send(r.Ingest, "/ingest?format=pprof&name="+url.QueryEscape(checkoutName), "binary/octet-stream", runtimeProfile(t, "heap"), nil)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Len(t, r.backend.got, 1)
	require.Equal(t, map[Reason]int{ReasonOtherKind: 1}, r.drops())
}

func TestPush(t *testing.T) {
	r := newReceiver(t)
	body := message(series{alloyLabels, [][]byte{goroutines(t)}})
	w := r.push(body, nil)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, "application/proto", w.Header().Get("Content-Type"))
	require.Empty(t, w.Body.Bytes(), "an empty message")
	require.Equal(t, checkout, r.backend.pushed[0].Instance)

	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(body)
	require.NoError(t, z.Close())
	w = r.push(zipped.Bytes(), func(req *http.Request) { req.Header.Set("Content-Encoding", "gzip") })
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, 2, r.count("used"))
}

func TestOtherKindsAreDroppedWithoutAnError(t *testing.T) {
	r := newReceiver(t)
	r.backend.watched = nil // so that no instance is looked up
	w := r.ingest(checkoutName, []byte("cpu"), `{"samples":{"units":"samples"}}`)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	for _, name := range []string{"process_cpu", "memory", "mutex", "block"} {
		w = r.push(message(series{list("__name__", name, "pod", "checkout-1"), [][]byte{[]byte("x")}}), nil)
		require.Equal(t, http.StatusOK, w.Code, w.Body)
	}
	require.Equal(t, map[Reason]int{ReasonOtherKind: 5}, r.drops())
}

func TestUnneededProfilesAreNotDecoded(t *testing.T) {
	r := newReceiver(t)
	r.backend.unneeded = true
	w := r.ingest(checkoutName, []byte("anything"), goroutineTypes)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, 1, r.count("unneeded"))
}

func TestKindOfAProfile(t *testing.T) {
	for name, want := range map[string]collector.ProfileKind{
		"goroutine": collector.KindGoroutine, "goroutines": collector.KindGoroutine,
		"goroutineleak": collector.KindGoroutineLeak, "goroutine_leak": collector.KindGoroutineLeak,
		"process_cpu": kindOther, "": kindUnknown,
	} {
		require.Equal(t, want, kindOfLabels(labels.FromStrings("__name__", name)), name)
		require.Equal(t, want, kindOfLabels(labels.FromStrings("__profile_type__", name+":goroutine:count:goroutine:count")), name)
	}
}

func TestRelabelling(t *testing.T) {
	r := newReceiver(t)
	r.configure(func(c *Config) {
		c.Match = []string{"job", "pod"}
		c.Relabel = []*relabel.Config{
			{SourceLabels: model.LabelNames{"service_name"}, Regex: relabel.MustNewRegexp("internal"), Action: relabel.Drop, NameValidationScheme: model.UTF8Validation},
			{SourceLabels: model.LabelNames{"service_name"}, Regex: relabel.MustNewRegexp("(.*)"), TargetLabel: "job", Replacement: "$1", Action: relabel.Replace, NameValidationScheme: model.UTF8Validation},
			{SourceLabels: model.LabelNames{"hostname"}, Regex: relabel.MustNewRegexp("(.*)"), TargetLabel: "pod", Replacement: "$1", Action: relabel.Replace, NameValidationScheme: model.UTF8Validation},
		}
	})
	w := r.ingest("checkout{hostname=checkout-1}", goroutines(t), goroutineTypes)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, checkout, r.backend.pushed[0].Instance)
	w = r.ingest("internal{hostname=checkout-1}", goroutines(t), goroutineTypes)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, map[Reason]int{ReasonRelabel: 1}, r.drops())
}

// connectCode returns the code and the message of an error of the Connect protocol.
func connectCode(t *testing.T, w *httptest.ResponseRecorder) (code, message string) {
	var e connectError
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &e), w.Body)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.NotEmpty(t, e.Message)
	return e.Code, e.Message
}

func TestEveryReasonHasAnAnswer(t *testing.T) {
	for reason, a := range answers {
		require.Equal(t, a.status == http.StatusOK, a.code == "", reason)
	}
}

// TestBadInput: each mistake gets its own answer and reason, in both protocols.
func TestBadInput(t *testing.T) {
	bomb := func(n int) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(make([]byte, n))
		_ = z.Close()
		return b.Bytes()
	}
	valid := goroutines(t)
	good := message(series{alloyLabels, [][]byte{valid}})
	ofPod := func(extra ...string) []byte {
		return message(series{append(list(extra...), alloyLabels...), [][]byte{valid}})
	}
	gzipped := func(req *http.Request) { req.Header.Set("Content-Encoding", "gzip") }
	for name, c := range map[string]struct {
		prepare func(*receiver)
		send    func(*receiver) *httptest.ResponseRecorder
		reason  Reason
		text    string
	}{
		"off": {
			func(r *receiver) { r.configure(func(c *Config) { c.Enabled = false }) },
			func(r *receiver) *httptest.ResponseRecorder { return r.push(good, nil) }, ReasonOff, "profiles.push.enabled",
		},
		"not ready": {
			func(r *receiver) { r.backend.starting = true },
			func(r *receiver) *httptest.ResponseRecorder { return r.push(good, nil) }, ReasonNotReady, "first evaluation",
		},
		"JSON": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.send(r.Handler.Push, connectPath, "application/json", []byte("{}"), nil)
		}, ReasonContentType, "application/proto"},
		"gRPC": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.send(r.Handler.Push, connectPath, "application/grpc-web+proto", good, nil)
		}, ReasonContentType, "application/proto"},
		"no type": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.send(r.Handler.Push, connectPath, "", good, nil)
		}, ReasonContentType, "application/proto"},
		"another encoding": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.push(good, func(req *http.Request) { req.Header.Set("Content-Encoding", "br") })
		}, ReasonContentType, "expected gzip"},
		"large": {nil, func(r *receiver) *httptest.ResponseRecorder { return r.push(make([]byte, 2<<20), nil) }, ReasonTooLarge, "1 MiB"},
		"bomb in the request": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.push(bomb(64<<20), gzipped)
		}, ReasonTooLarge, "1 MiB"},
		"bomb in the profile": {
			func(r *receiver) { r.configure(func(c *Config) { c.Limits.Decoded = 1 << 20 }) },
			func(r *receiver) *httptest.ResponseRecorder {
				return r.push(message(series{alloyLabels, [][]byte{bomb(64 << 20)}}), nil)
			}, ReasonTooLarge, "",
		},
		"not compressed": {nil, func(r *receiver) *httptest.ResponseRecorder { return r.push(good, gzipped) }, ReasonBadRequest, "not compressed"},
		"cut":            {nil, func(r *receiver) *httptest.ResponseRecorder { return r.push(good[:len(good)/2], nil) }, ReasonBadRequest, "not a message"},
		"cut gzip": {nil, func(r *receiver) *httptest.ResponseRecorder {
			b := bomb(1000)
			return r.push(b[:len(b)-6], gzipped)
		}, ReasonBadRequest, "damaged"},
		"too many series": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.push(message(make([]series, maxMessageSeries+1)...), nil)
		}, ReasonBadRequest, "1,000 series"},
		"too many profiles": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.push(message(series{alloyLabels, make([][]byte, maxMessageSamples+1)}), nil)
		}, ReasonBadRequest, "1,000 profiles"},
		"too many labels": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.push(message(series{make([]labels.Label, collector.MaxLabels+1), [][]byte{valid}}), nil)
		}, ReasonBadRequest, "200 labels"},
		"labels twice": {nil, func(r *receiver) *httptest.ResponseRecorder { return r.push(ofPod("pod", "other"), nil) }, ReasonBadLabels, "pod comes twice"},
		"labels that are not UTF-8": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.push(ofPod("x", "\xff"), nil)
		}, ReasonBadLabels, "not UTF-8"},
		"huge label": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.push(ofPod("x", strings.Repeat("x", 3<<10)), nil)
		}, ReasonBadLabels, "3072 bytes"},
		"unknown instance": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.ingest("checkout{namespace=shop,pod=other}", valid, goroutineTypes)
		}, ReasonUnknown, "no watched instance"},
		"no labels to find it by": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.ingest("checkout", valid, goroutineTypes)
		}, ReasonUnknown, "expected the labels namespace and pod, or instance"},
		"labels of markup": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.ingest("checkout{namespace=shop,pod=<script>\x00\x1b[2J}", valid, goroutineTypes)
		}, ReasonUnknown, "no watched instance"},
		"two instances": {
			func(r *receiver) {
				r.backend.watched = append(r.backend.watched, labels.NewBuilder(checkout).Set("instance", "10.0.0.1:9").Labels())
			},
			func(r *receiver) *httptest.ResponseRecorder { return r.ingest(checkoutName, valid, goroutineTypes) }, ReasonAmbiguous, "2 watched instances",
		},
		"garbage": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.ingest(checkoutName, []byte("garbage"), goroutineTypes)
		}, ReasonBadProfile, ""},
		"another kind than announced": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.ingest(checkoutName, runtimeProfile(r, "heap"), goroutineTypes)
		}, ReasonBadProfile, "a heap profile"},
		"a text": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.ingest(checkoutName, []byte("goroutine 1 [running]:\nmain.main()\n\t/main.go:1 +0x1\n"), goroutineTypes)
		}, ReasonBadProfile, "a text"},
		"no name": {nil, func(r *receiver) *httptest.ResponseRecorder { return r.ingest("", valid, goroutineTypes) }, ReasonBadRequest, "name:"},
		"name that is not closed": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.ingest("checkout{pod=a", valid, goroutineTypes)
		}, ReasonBadLabels, "name:"},
		"name with a label twice": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.ingest("checkout{pod=a,pod=b}", valid, goroutineTypes)
		}, ReasonBadLabels, "twice"},
		"no profile": {nil, func(r *receiver) *httptest.ResponseRecorder {
			typ, body := form(r, map[string]string{"other": "x"})
			return r.send(r.Ingest, "/ingest?name=a", typ, body, nil)
		}, ReasonBadRequest, "no part profile"},
		"broken form": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.send(r.Ingest, "/ingest?name=a", "multipart/form-data; boundary=b", []byte("x"), nil)
		}, ReasonBadRequest, "the form"},
		"form without a boundary": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.send(r.Ingest, "/ingest?name=a", "multipart/form-data", []byte("x"), nil)
		}, ReasonBadRequest, "the form"},
		"types that are not JSON": {nil, func(r *receiver) *httptest.ResponseRecorder { return r.ingest(checkoutName, valid, "{") }, ReasonBadRequest, "not JSON"},
		"a page": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.send(r.Ingest, "/ingest?name=a", "text/html", []byte("x"), nil)
		}, ReasonContentType, "multipart/form-data"},
		"another format": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.send(r.Ingest, "/ingest?name=a&format=jfr", "", []byte("x"), nil)
		}, ReasonContentType, "expected pprof"},
		"a time that is none": {nil, func(r *receiver) *httptest.ResponseRecorder {
			return r.send(r.Ingest, "/ingest?name=a&until=yesterday", "", []byte("x"), nil)
		}, ReasonBadRequest, "until"},
		"replayed":     {func(r *receiver) { r.backend.answer = profiling.ErrReplayed }, func(r *receiver) *httptest.ResponseRecorder { return r.push(good, nil) }, ReasonReplayed, "before"},
		"out of order": {func(r *receiver) { r.backend.answer = profiling.ErrOutOfOrder }, func(r *receiver) *httptest.ResponseRecorder { return r.push(good, nil) }, ReasonOutOfOrder, "later"},
		"old":          {func(r *receiver) { r.backend.answer = profiling.ErrTooOld }, func(r *receiver) *httptest.ResponseRecorder { return r.push(good, nil) }, ReasonTooOld, "10 minutes"},
		"future":       {func(r *receiver) { r.backend.answer = profiling.ErrFuture }, func(r *receiver) *httptest.ResponseRecorder { return r.push(good, nil) }, ReasonFuture, "future"},
		"no memory": {
			func(r *receiver) { r.backend.answer = collector.Errorf(collector.ReasonBudget, "no memory to decode") },
			func(r *receiver) *httptest.ResponseRecorder { return r.push(good, nil) }, ReasonBusy, "memory",
		},
		"canceled": {
			func(r *receiver) {
				r.backend.answer = &collector.Error{Reason: collector.ReasonCanceled, Err: context.Canceled}
			},
			func(r *receiver) *httptest.ResponseRecorder { return r.push(good, nil) }, ReasonCanceled, "canceled",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			if c.prepare != nil {
				c.prepare(r)
			}
			w := c.send(r)
			want := answers[c.reason]
			require.Equal(t, want.status, w.Code, w.Body)
			require.Equal(t, map[Reason]int{c.reason: 1}, r.drops())
			text := w.Body.String()
			if w.Header().Get("Content-Type") == "application/json" {
				code, message := connectCode(t, w)
				require.Equal(t, want.code, code)
				text = message
			}
			require.Contains(t, text, c.text)
			require.Less(t, len(text), 1000)
			require.NotContains(t, text, "\x1b")
			require.Zero(t, r.count("used"))
		})
	}
}

func TestOneProfileOfUseIsEnough(t *testing.T) {
	r := newReceiver(t)
	other := list("__name__", "goroutine", "namespace", "shop", "pod", "unknown")
	w := r.push(message(series{other, [][]byte{[]byte("x")}}, series{alloyLabels, [][]byte{goroutines(t)}}), nil)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, 1, r.count("used"))
	require.Equal(t, map[Reason]int{ReasonUnknown: 1}, r.drops())
}

func TestShardsDropInstancesOfOthersWithoutAnError(t *testing.T) {
	r := newReceiver(t)
	r.configure(func(c *Config) { c.Sharded = true })
	w := r.ingest("checkout{namespace=shop,pod=other}", goroutines(t), goroutineTypes)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, map[Reason]int{ReasonUnknown: 1}, r.drops())
}

func TestNewInstancesAreFoundSoon(t *testing.T) {
	r := newReceiver(t)
	name := "checkout{namespace=shop,pod=checkout-2}"
	require.Equal(t, http.StatusNotFound, r.ingest(name, goroutines(t), goroutineTypes).Code)
	r.backend.watched = append(r.backend.watched, labels.FromStrings("namespace", "shop", "pod", "checkout-2", "instance", "10.0.0.2:8080"))
	r.now = r.now.Add(indexPause - time.Second)
	require.Equal(t, http.StatusNotFound, r.ingest(name, goroutines(t), goroutineTypes).Code)
	r.now = r.now.Add(time.Second)
	require.Equal(t, http.StatusOK, r.ingest(name, goroutines(t), goroutineTypes).Code)
}

func TestSendersAreBounded(t *testing.T) {
	other := func(req *http.Request) { req.RemoteAddr = "198.51.100.7:1" }
	body := func(pod string) []byte {
		return message(series{list("__name__", "goroutine", "namespace", "shop", "pod", pod), [][]byte{[]byte("x")}})
	}
	t.Run("requests", func(t *testing.T) {
		r := newReceiver(t)
		r.backend.unneeded = true
		r.configure(func(c *Config) { c.SenderRate = 2 })
		for range 20 {
			require.Equal(t, http.StatusOK, r.push(body("checkout-1"), nil).Code)
		}
		w := r.push(body("checkout-1"), nil)
		require.Equal(t, http.StatusTooManyRequests, w.Code)
		code, text := connectCode(t, w)
		require.Equal(t, "resource_exhausted", code)
		require.Contains(t, text, "profiles.push.sender_rate")
		require.Equal(t, http.StatusOK, r.push(body("checkout-1"), other).Code, "another sender has bounds of its own")
		r.now = r.now.Add(time.Second)
		require.Equal(t, http.StatusOK, r.push(body("checkout-1"), nil).Code)
		require.Equal(t, map[Reason]int{ReasonRate: 1}, r.drops())
	})
	t.Run("bytes", func(t *testing.T) {
		r := newReceiver(t)
		r.configure(func(c *Config) { c.SenderBandwidth, c.RequestLimit = 1000, 20_000 })
		large := append(body("checkout-1"), protowire.AppendBytes(protowire.AppendTag(nil, 9, protowire.BytesType), make([]byte, 19_900))...)
		r.backend.unneeded = true
		require.Equal(t, http.StatusOK, r.push(large, nil).Code)
		require.Equal(t, http.StatusOK, r.push(large, nil).Code, "the last may exceed the bound")
		w := r.push(body("checkout-1"), nil)
		require.Equal(t, http.StatusTooManyRequests, w.Code)
		require.Contains(t, w.Body.String(), "profiles.push.sender_bandwidth")
		require.Equal(t, http.StatusOK, r.push(body("checkout-1"), other).Code)
		r.now = r.now.Add(25 * time.Second)
		require.Equal(t, http.StatusOK, r.push(body("checkout-1"), nil).Code)
		require.Equal(t, map[Reason]int{ReasonBandwidth: 1}, r.drops())
	})
	t.Run("series", func(t *testing.T) {
		r := newReceiver(t)
		r.backend.unneeded = true
		r.configure(func(c *Config) { c.SenderSeries = 2 })
		require.Equal(t, http.StatusOK, r.push(body("checkout-1"), nil).Code)
		require.Equal(t, http.StatusNotFound, r.push(body("a"), nil).Code)
		w := r.push(body("b"), nil)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code)
		require.Contains(t, w.Body.String(), "profiles.push.sender_series")
		require.Equal(t, http.StatusOK, r.push(body("checkout-1"), nil).Code, "known ones go on")
		r.now = r.now.Add(senderMemory + time.Second)
		require.Equal(t, http.StatusNotFound, r.push(body("b"), nil).Code)
		require.Equal(t, map[Reason]int{ReasonSeries: 1, ReasonUnknown: 2}, r.drops())
	})
	t.Run("senders", func(t *testing.T) {
		r := newReceiver(t)
		r.backend.unneeded = true
		from := func(i int) func(*http.Request) {
			return func(req *http.Request) { req.RemoteAddr = fmt.Sprintf("10.1.%d.%d:1", i/256, i%256) }
		}
		for i := range maxSenders {
			require.Equal(t, http.StatusOK, r.push(body("checkout-1"), from(i)).Code)
		}
		require.Equal(t, http.StatusTooManyRequests, r.push(body("checkout-1"), from(maxSenders)).Code)
		r.now = r.now.Add(senderMemory + time.Second)
		require.Equal(t, http.StatusOK, r.push(body("checkout-1"), from(maxSenders)).Code)
		require.Equal(t, map[Reason]int{ReasonSenders: 1}, r.drops())
	})
}

func TestRequestsAtTheSameTimeAreBounded(t *testing.T) {
	r := newReceiver(t)
	r.backend.block = make(chan struct{})
	var wg sync.WaitGroup
	for range senderRequestsAtATime {
		wg.Go(func() { r.push(message(series{alloyLabels, [][]byte{goroutines(t)}}), nil) })
	}
	require.Eventually(t, func() bool {
		r.senders.mtx.Lock()
		defer r.senders.mtx.Unlock()
		for _, x := range r.senders.known {
			if x.slots.TryAcquire(1) {
				x.slots.Release(1)
				return false
			}
		}
		return len(r.senders.known) > 0
	}, 10*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	w := r.push(nil, func(req *http.Request) { *req = *req.WithContext(ctx) })
	require.Equal(t, http.StatusServiceUnavailable, w.Code, w.Body)
	close(r.backend.block)
	wg.Wait()
	require.Equal(t, map[Reason]int{ReasonBusy: 1}, r.drops())
}

func TestParseName(t *testing.T) {
	for name, want := range map[string]string{
		"checkout":                      `{service_name="checkout"}`,
		"checkout{}":                    `{service_name="checkout"}`,
		"checkout{pod=a, namespace=b,}": `{namespace="b", pod="a", service_name="checkout"}`,
		"a{v=x=y}":                      `{service_name="a", v="x=y"}`,
	} {
		got, p := parseName(name)
		require.Nil(t, p)
		require.Equal(t, want, got.String())
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add(message(series{alloyLabels, [][]byte{[]byte("profile")}}))
	f.Add([]byte{0x0a, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := parseMessage(b)
		if err != nil {
			return
		}
		again, err := parseMessage(message(list...))
		require.NoError(t, err)
		require.Equal(t, len(list), len(again))
	})
}

func FuzzParseName(f *testing.F) {
	f.Add(checkoutName)
	f.Fuzz(func(t *testing.T, name string) {
		ls, p := parseName(name)
		if p == nil {
			require.Empty(t, collector.LabelsProblem(ls))
			_, twice := ls.HasDuplicateLabelNames()
			require.False(t, twice)
		}
	})
}

func TestNewRequiresABackend(t *testing.T) {
	_, err := New(Options{})
	require.Error(t, err)
}
