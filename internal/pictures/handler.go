package pictures

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

const (
	// A picture is drawn once in maxAge, however often it is fetched, and the cache has
	// maxCached pictures.
	maxAge    = time.Minute
	maxCached = 64
	// drawTimeout bounds reading the series of one picture.
	drawTimeout = 10 * time.Second
	// drawsPerSecond and drawBurst bound all pictures that are drawn; maxDrawing is how
	// many are drawn at once.
	drawsPerSecond, drawBurst = 2, 10
	maxDrawing                = 2
	// maxQuery is the longest query that is parsed, in bytes.
	maxQuery = 256
)

// Backend is the running gorowatch as pictures see it.
type Backend interface {
	Leak(id string) (leak.Leak, bool)
	RenderOptions() alerting.RenderOptions
	Now() time.Time
}

// Options of a Handler. Backend and History are required.
type Options struct {
	Logger     *slog.Logger
	Backend    Backend
	History    view.History
	Registerer prometheus.Registerer // nil: no metrics
}

// Handler answers requests for pictures with a valid signature. It is safe for use by many
// requests.
type Handler struct {
	o        Options
	current  atomic.Pointer[current]
	applied  chan struct{} // other settings
	limiter  *rate.Limiter
	drawing  chan struct{}
	flights  singleflight.Group
	requests *prometheus.CounterVec

	mtx   sync.Mutex
	cache map[string]cached // by the ID of the leak
}

// cached is a picture and when it was drawn.
type cached struct {
	png []byte
	at  time.Time
}

// results are the values of the label result.
const (
	resultServed   = "served"
	resultRefused  = "refused"
	resultNotFound = "not_found"
	resultLimited  = "limited"
	resultFailed   = "failed"
)

// New makes a Handler. Pictures are off until Apply.
func New(o Options) (*Handler, error) {
	if o.Backend == nil || o.History == nil {
		return nil, errors.New("pictures: Backend and History are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Handler{
		o: o, limiter: rate.NewLimiter(drawsPerSecond, drawBurst), drawing: make(chan struct{}, maxDrawing), cache: map[string]cached{}, applied: make(chan struct{}, 1),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_pictures_requests_total",
			Help: "Requests for pictures of leaks by result.",
		}, []string{"result"}),
	}
	h.current.Store(&current{})
	for _, result := range []string{resultServed, resultRefused, resultNotFound, resultLimited, resultFailed} {
		h.requests.WithLabelValues(result)
	}
	if o.Registerer != nil {
		if err := o.Registerer.Register(h.requests); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// ServeHTTP answers GET /leaks/{id}.png?expires=…&signature=….
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	id, ok := leakID(r.URL.Path)
	signer := h.current.Load().signer
	switch {
	case !ok:
		h.refuse(w, http.StatusNotFound, resultNotFound, "Only pictures of leaks are served here.")
		return
	case signer == nil:
		h.refuse(w, http.StatusNotFound, resultNotFound, "Pictures are off: see alerting.images.")
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		h.refuse(w, http.StatusMethodNotAllowed, resultRefused, "Only GET and HEAD requests are answered here.")
		return
	}
	if err := check(signer, id, r.URL.RawQuery, h.o.Backend.Now()); err != nil {
		h.refuse(w, http.StatusForbidden, resultRefused, "Refused: "+err.Error()+".")
		return
	}
	l, ok := h.o.Backend.Leak(id)
	if !ok || l.State != leak.Firing && l.State != leak.Resolved {
		h.refuse(w, http.StatusNotFound, resultNotFound, "No leak with this ID has an alert.")
		return
	}
	png, err := h.picture(r.Context(), l)
	switch {
	case errors.Is(err, errLimited):
		h.refuse(w, http.StatusTooManyRequests, resultLimited, "Too many pictures are being drawn; retry in a few seconds.")
	case err != nil:
		h.o.Logger.Warn("Cannot draw the picture of a leak", "leak", id, "err", err)
		h.refuse(w, http.StatusInternalServerError, resultFailed, "Cannot draw the picture; the log says why.")
	default:
		h.requests.WithLabelValues(resultServed).Inc()
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("Content-Length", strconv.Itoa(len(png)))
		w.Header().Set("Cache-Control", "private, max-age="+strconv.Itoa(int(maxAge.Seconds())))
		_, _ = w.Write(png)
	}
}

// check parses a query and has the signer check it.
func check(s *Signer, id, query string, now time.Time) error {
	if len(query) > maxQuery {
		return errMalformed
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return errMalformed
	}
	return s.Check(id, values, now)
}

func (h *Handler) refuse(w http.ResponseWriter, code int, result, text string) {
	h.requests.WithLabelValues(result).Inc()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n")
}

var errLimited = errors.New("too many pictures at once")

// picture returns the picture of a leak, from the cache if it is recent.
func (h *Handler) picture(ctx context.Context, l leak.Leak) ([]byte, error) {
	if png := h.cached(l.ID); png != nil {
		return png, nil
	}
	// One request draws for all that wait, so its own end must not end the drawing.
	flight := h.flights.DoChan(l.ID, func() (any, error) { return h.draw(context.WithoutCancel(ctx), l) })
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-flight:
		if got.Err != nil {
			return nil, got.Err
		}
		return got.Val.([]byte), nil
	}
}

// draw reads the series of a leak, draws its picture and caches it.
func (h *Handler) draw(ctx context.Context, l leak.Leak) ([]byte, error) {
	if png := h.cached(l.ID); png != nil {
		return png, nil
	}
	select {
	case h.drawing <- struct{}{}:
		defer func() { <-h.drawing }()
	default:
		return nil, errLimited
	}
	if !h.limiter.Allow() {
		return nil, errLimited
	}
	ctx, cancel := context.WithTimeout(ctx, drawTimeout)
	defer cancel()
	from, to := view.ChartSpan(l, h.o.Backend.Now())
	step := max(to.Sub(from)/maxSteps, time.Second).Round(time.Second)
	series, err := h.o.History.History(ctx, l.Service, from, to, step)
	if err != nil {
		h.o.Logger.Warn("Cannot read the series of a picture; it has no chart", "leak", l.ID, "err", err)
		series = collector.History{}
	}
	png, err := Draw(l, alerting.Render(l, alerting.Warning, h.o.Backend.RenderOptions()), series)
	if err != nil {
		return nil, err
	}
	h.store(l.ID, png)
	return png, nil
}

// cached returns a recent picture of a leak; nil: there is none.
func (h *Handler) cached(id string) []byte {
	h.mtx.Lock()
	defer h.mtx.Unlock()
	if c, ok := h.cache[id]; ok && h.o.Backend.Now().Sub(c.at).Abs() < maxAge {
		return c.png
	}
	return nil
}

// store adds a picture to the cache, in place of the oldest one if there are too many.
func (h *Handler) store(id string, png []byte) {
	h.mtx.Lock()
	defer h.mtx.Unlock()
	if _, ok := h.cache[id]; !ok && len(h.cache) >= maxCached {
		oldest := ""
		for k, c := range h.cache {
			if oldest == "" || c.at.Before(h.cache[oldest].at) {
				oldest = k
			}
		}
		delete(h.cache, oldest)
	}
	h.cache[id] = cached{png: png, at: h.o.Backend.Now()}
}
