package push

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
)

const formType = "multipart/form-data"

// ingestTypes are the content types of Ingest. Without a form, the body is the profile.
var ingestTypes = contentTypes{
	types: []string{formType, "application/octet-stream", "binary/octet-stream", ""},
	text:  formType + ", or application/octet-stream with a profile in pprof's format",
}

// maxFormParts bounds the parts of a form. Clients send two or three.
const maxFormParts = 10

// Ingest answers POST /ingest: a form with the profile, or the profile alone. Name,
// time and format are in the query.
func (h *Handler) Ingest(w http.ResponseWriter, r *http.Request) {
	p := h.ingest(w, r)
	if p == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	answer := answers[p.reason]
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, p.text+"\n")
}

func (h *Handler) ingest(w http.ResponseWriter, r *http.Request) *problem {
	x, leave, p := h.admit(w, r, ingestTypes)
	if p == nil {
		defer leave()
		var sent profile
		if sent, p = x.ingested(); p == nil {
			var res result
			res.add(h.route(x, sent))
			return res.problem()
		}
	}
	h.dropped(r, p, sentNothing)
	return p
}

// ingested reads the profile of a request.
func (r *request) ingested() (p profile, problem *problem) {
	q := r.URL.Query()
	if format := q.Get("format"); format != "" && format != "pprof" {
		return p, drop(ReasonContentType, "format: "+human.Line(format, 40)+", expected pprof")
	}
	if q.Get("name") == "" {
		return p, drop(ReasonBadRequest, "name: expected an application with labels, e.g. checkout{pod=checkout-1}")
	}
	if p.labels, problem = parseName(q.Get("name")); problem != nil {
		return p, problem
	}
	var ok bool
	if p.at, ok = parseTime(q.Get("until"), r.now); !ok {
		return p, drop(ReasonBadRequest, "until: "+human.Line(q.Get("until"), 40)+", expected a Unix time")
	}
	if _, ok := parseTime(q.Get("from"), r.now); !ok {
		return p, drop(ReasonBadRequest, "from: "+human.Line(q.Get("from"), 40)+", expected a Unix time")
	}
	p.kind = kindOfLabels(p.labels)
	typ, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if typ != formType {
		p.raw = r.body
		return p, nil
	}
	kind, raw, err := readForm(r.body, params["boundary"])
	if err != nil {
		return p, drop(ReasonBadRequest, "the form: "+human.Line(err.Error(), 100))
	}
	if p.raw = raw; kind != kindUnknown {
		p.kind = kind
	}
	return p, nil
}

// readForm reads the profile of a form, and its kind if its sample types show it.
func readForm(body []byte, boundary string) (kind collector.ProfileKind, raw []byte, err error) {
	form := multipart.NewReader(bytes.NewReader(body), boundary)
	has := false
	for n := 0; ; n++ {
		part, err := form.NextRawPart()
		switch {
		case errors.Is(err, io.EOF) && has:
			return kind, raw, nil
		case errors.Is(err, io.EOF):
			return "", nil, errors.New("it has no part profile")
		case err != nil:
			return "", nil, err
		case n == maxFormParts:
			return "", nil, errors.New("it has too many parts")
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return "", nil, err
		}
		switch part.FormName() {
		case "profile":
			if has {
				return "", nil, errors.New("it has two parts profile")
			}
			has, raw = true, content
		case "sample_type_config":
			var types map[string]json.RawMessage
			if err := json.Unmarshal(content, &types); err != nil {
				return "", nil, errors.New("sample_type_config is not JSON")
			}
			kind = kindOfSampleTypes(types)
		}
	}
}

// parseTime reads a Unix time in seconds, milliseconds, microseconds or nanoseconds; its size
// shows which. An empty one is now.
func parseTime(s string, now time.Time) (time.Time, bool) {
	if s == "" {
		return now, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return time.Time{}, false
	}
	switch {
	case n < 1e11:
		return time.Unix(n, 0), true
	case n < 1e14:
		return time.UnixMilli(n), true
	case n < 1e17:
		return time.UnixMicro(n), true
	}
	return time.Unix(0, n), true
}
