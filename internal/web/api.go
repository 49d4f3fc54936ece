package web

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// errorType of an answer, as in Prometheus' API.
type errorType string

const (
	errBadData     errorType = "bad_data"
	errNotFound    errorType = "not_found"
	errUnavailable errorType = "unavailable"
)

type envelope struct {
	Status    string    `json:"status"`
	Data      any       `json:"data,omitempty"`
	ErrorType errorType `json:"errorType,omitempty"`
	Error     string    `json:"error,omitempty"`
}

func (h *Handler) answer(w http.ResponseWriter, data any) {
	h.json(w, http.StatusOK, envelope{Status: "success", Data: data})
}

func (h *Handler) refuse(w http.ResponseWriter, code int, kind errorType, text string) {
	h.json(w, code, envelope{Status: "error", ErrorType: kind, Error: text})
}

func (h *Handler) json(w http.ResponseWriter, code int, e envelope) {
	b, err := json.Marshal(e)
	if err != nil {
		h.logger.Error("An answer could not be encoded", "err", err)
		plain(w, http.StatusInternalServerError, "The answer could not be encoded; the log says why.")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(append(b, '\n'))
}

// float is a number that may be unknown: what JSON cannot say is null.
type float float64

// MarshalJSON implements json.Marshaler.
func (f float) MarshalJSON() ([]byte, error) {
	if x := float64(f); math.IsNaN(x) || math.IsInf(x, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

type apiInterval struct {
	Value float `json:"value"`
	Low   float `json:"low"`
	High  float `json:"high"`
}

func newAPIInterval(i trend.Interval) apiInterval {
	return apiInterval{float(i.Value), float(i.Low), float(i.High)}
}

type apiStack struct {
	Signature   string   `json:"signature"`
	Frames      []string `json:"frames"`
	Key         string   `json:"key"`
	CreatedBy   string   `json:"created_by,omitempty"`
	State       string   `json:"state"`
	Base        int64    `json:"base"`
	Head        int64    `json:"head"`
	Delta       int64    `json:"delta"`
	Share       float    `json:"share"`
	WaitSeconds float64  `json:"wait_seconds,omitempty"`
}

type apiLeak struct {
	ID             string            `json:"id"`
	Service        labels.Labels     `json:"service"`
	Signature      string            `json:"signature"`
	State          leak.State        `json:"state"`
	Evidence       leak.Evidence     `json:"evidence"`
	Missing        string            `json:"missing,omitempty"`
	Onset          *time.Time        `json:"onset"`
	DetectedAt     *time.Time        `json:"detected_at"`
	UpdatedAt      *time.Time        `json:"updated_at"`
	ResolvedAt     *time.Time        `json:"resolved_at"`
	Resolution     string            `json:"resolution,omitempty"`
	PlateauedAt    *time.Time        `json:"plateaued_at"`
	Reopened       int               `json:"reopened,omitempty"`
	Version        string            `json:"version,omitempty"`
	DeployedAt     *time.Time        `json:"deployed_at,omitempty"`
	GrowthPerHour  apiInterval       `json:"growth_per_hour"`
	Leaked         float             `json:"leaked"`
	Share          float             `json:"share"`
	Instances      []string          `json:"instances"`
	InstancesTotal int               `json:"instances_total"`
	Stacks         []apiStack        `json:"stacks"`
	Transitions    []leak.Transition `json:"transitions,omitempty"`
	Base           *leak.ProfileRef  `json:"base,omitempty"`
	Head           *leak.ProfileRef  `json:"head,omitempty"`
}

func newAPILeak(l leak.Leak) apiLeak {
	a := apiLeak{
		ID: l.ID, Service: l.Service, Signature: l.Signature, State: l.State, Evidence: l.Evidence, Missing: l.Missing,
		Onset: known(l.Onset), DetectedAt: known(l.DetectedAt), UpdatedAt: known(l.UpdatedAt), ResolvedAt: known(l.ResolvedAt),
		Resolution: l.Resolution, PlateauedAt: known(l.PlateauedAt), Reopened: l.Reopened,
		Version: l.Version, DeployedAt: known(l.DeployedAt),
		GrowthPerHour: newAPIInterval(l.Rate), Leaked: float(l.Leaked), Share: float(l.Share),
		Instances: append([]string{}, l.Instances...), InstancesTotal: l.InstancesTotal,
		Stacks: []apiStack{}, Transitions: l.Transitions, Base: l.Base, Head: l.Head,
	}
	for _, s := range l.Stacks {
		x := apiStack{
			Signature: s.Signature, Frames: []string{}, Key: frameText(s.Key), CreatedBy: frameText(s.CreatedBy),
			State: s.Op, Base: s.Base, Head: s.Head, Delta: s.Delta(), Share: float(s.Share), WaitSeconds: s.Wait.Seconds(),
		}
		for _, f := range s.Frames {
			x.Frames = append(x.Frames, frameText(f))
		}
		a.Stacks = append(a.Stacks, x)
	}
	return a
}

// frameText is "main.logHandler.func1 handler.go:29".
func frameText(f collector.Frame) string {
	return strings.TrimSpace(f.Func + " " + human.Place(f.File, f.Line))
}

// known is null in JSON for the zero time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (h *Handler) apiLeaks(w http.ResponseWriter, r *http.Request) {
	state := leak.State(r.URL.Query().Get("state"))
	switch state {
	case "", leak.Suspected, leak.Firing, leak.Resolved, leak.Ignored:
	default:
		h.refuse(w, http.StatusBadRequest, errBadData, "state: expected suspected, firing or resolved")
		return
	}
	leaks := []apiLeak{}
	for _, l := range sortLeaks(h.o.State.Leaks()) {
		if state == "" || l.State == state {
			leaks = append(leaks, newAPILeak(l))
		}
	}
	h.answer(w, map[string]any{"leaks": leaks})
}

func (h *Handler) apiLeak(w http.ResponseWriter, r *http.Request) {
	l, ok := h.o.State.Leak(r.PathValue("id"))
	if !ok {
		h.refuse(w, http.StatusNotFound, errNotFound, "there is no leak with this id")
		return
	}
	h.answer(w, newAPILeak(l))
}

type apiService struct {
	Labels        labels.Labels `json:"labels"`
	Instances     int           `json:"instances"`
	Goroutines    float         `json:"goroutines"`
	Floor         float         `json:"floor"`
	GrowthPerHour apiInterval   `json:"growth_per_hour"`
	Status        trend.Status  `json:"status"`
	Gate          trend.Gate    `json:"gate"`
	Why           string        `json:"why"`
	LastSample    *time.Time    `json:"last_sample"`
}

func (h *Handler) apiServices(w http.ResponseWriter, _ *http.Request) {
	services := []apiService{}
	for _, s := range h.o.State.Services() {
		services = append(services, apiService{
			Labels: s.Labels, Instances: s.Instances, Goroutines: float(s.Count), Floor: float(s.Floor),
			GrowthPerHour: newAPIInterval(s.Rate), Status: s.Status, Gate: s.Gate, Why: why(s.Status, s.Gate),
			LastSample: known(s.LastSample),
		})
	}
	h.answer(w, map[string]any{"services": services})
}

type apiTarget struct {
	Labels          labels.Labels `json:"labels"`
	URL             string        `json:"url"`
	State           TargetState   `json:"state"`
	LastPull        *time.Time    `json:"last_pull"`
	DurationSeconds float64       `json:"duration_seconds"`
	Goroutines      int64         `json:"goroutines"`
	Error           string        `json:"error,omitempty"`
}

func (h *Handler) apiTargets(w http.ResponseWriter, _ *http.Request) {
	targets := []apiTarget{}
	for _, t := range h.o.State.Targets() {
		targets = append(targets, apiTarget{
			Labels: t.Labels, URL: t.URL, State: t.State, LastPull: known(t.LastPull),
			DurationSeconds: t.Duration.Seconds(), Goroutines: t.Goroutines, Error: t.Error,
		})
	}
	h.answer(w, map[string]any{"targets": targets})
}

// apiProfile sends a profile of the archive as the target sent it.
func (h *Handler) apiProfile(w http.ResponseWriter, r *http.Request) {
	const folder = "profiles/"
	key := folder + r.PathValue("key")
	// The bucket holds more than profiles, and may be a folder of the disk.
	if !fs.ValidPath(key) || strings.ContainsAny(key, "\\\x00") {
		h.refuse(w, http.StatusBadRequest, errBadData, "key: expected <service>/<instance>/<time>.pb.gz")
		return
	}
	body, err := h.o.State.Profile(r.Context(), key)
	// The links of older alerts have the folder too.
	if old := r.PathValue("key"); errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(old, folder) {
		key = old
		body, err = h.o.State.Profile(r.Context(), key)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		h.refuse(w, http.StatusNotFound, errNotFound, "there is no such profile; it may have been older than the retention")
		return
	case err != nil:
		if r.Context().Err() == nil {
			h.logger.Warn("A profile could not be read", "key", key, "err", err)
		}
		h.refuse(w, http.StatusBadGateway, errUnavailable, "the archive cannot be read now; the log says why")
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(key)}))
	if _, err := io.Copy(w, body); err != nil {
		if r.Context().Err() == nil {
			h.logger.Warn("A profile could not be sent", "key", key, "err", err)
		}
		// Half a profile must not look like a whole one: this breaks the
		// connection, which is all that is left to say.
		panic(http.ErrAbortHandler)
	}
}

// fileName is what a browser saves a profile as: instance and time.
func fileName(key string) string {
	name := path.Base(path.Dir(key)) + "_" + path.Base(key)
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-", r):
			return r
		}
		return '-'
	}, name[max(len(name)-120, 0):])
}

func (h *Handler) apiNotFound(w http.ResponseWriter, _ *http.Request) {
	h.refuse(w, http.StatusNotFound, errNotFound, "there is no such path")
}
