package push

import (
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/human"
)

const (
	formType  = "multipart/form-data"
	protoType = "application/proto"
)

// ingestTypes are the types of a profile that is sent without a form.
var ingestTypes = []string{"", "application/octet-stream", "binary/octet-stream"}

// sentNothing are the labels of a request that was dropped as a whole.
var sentNothing = labels.EmptyLabels()

func isIngestType(contentType string) bool {
	typ, _, err := mime.ParseMediaType(contentType)
	if contentType == "" {
		return true
	}
	return err == nil && (typ == formType || slices.Contains(ingestTypes, typ))
}

func isConnectType(contentType string) bool {
	typ, _, err := mime.ParseMediaType(contentType)
	return err == nil && typ == protoType
}

// contentTypes says which types a path takes.
func contentTypes(path string) string {
	if strings.HasSuffix(path, ConnectPath) {
		return "expected " + protoType + ", as unary calls of the Connect protocol have it"
	}
	return "expected " + formType + ", or application/octet-stream with a profile in pprof's format"
}

// connectError is an error of the Connect protocol.
type connectError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Push answers push.v1.PusherService/Push, a unary call of the Connect protocol. A
// message is answered without an error if any of its profiles is of use.
func (h *Handler) Push(w http.ResponseWriter, r *http.Request) {
	p := h.push(w, r)
	if p == nil {
		w.Header().Set("Content-Type", protoType)
		w.WriteHeader(http.StatusOK) // an empty message
		return
	}
	answer := answers[p.reason]
	setRetry(w, answer.status)
	if p.reason == ReasonContentType {
		w.Header().Set("Accept-Post", protoType)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.status)
	_ = json.NewEncoder(w).Encode(connectError{answer.code, p.text})
}

func (h *Handler) push(w http.ResponseWriter, r *http.Request) *problem {
	x, leave, p := h.admit(w, r, isConnectType)
	if p != nil {
		h.dropped(r, p, sentNothing)
		return p
	}
	defer leave()
	all, err := parseMessage(x.body)
	if err != nil {
		p := drop(ReasonBadRequest, human.Line(err.Error(), 100))
		h.dropped(r, p, sentNothing)
		return p
	}
	var res result
	for _, s := range all {
		ls, p := seriesLabels(s)
		if p != nil {
			h.dropped(r, p, sentNothing)
			res.add(p)
			continue
		}
		for _, raw := range s.profiles {
			res.add(h.route(x, profile{labels: ls, kind: kindOfLabels(ls), at: x.now, raw: raw}))
		}
	}
	return res.problem()
}

// seriesLabels are the labels of a series, which must differ in their names.
func seriesLabels(s series) (labels.Labels, *problem) {
	b := labels.NewScratchBuilder(len(s.labels))
	for _, l := range s.labels {
		b.Add(l.Name, l.Value)
	}
	b.Sort()
	ls := b.Labels()
	if name, twice := ls.HasDuplicateLabelNames(); twice {
		return sentNothing, drop(ReasonBadLabels, "the labels of the profile: "+human.Line(name, 64)+" comes twice")
	}
	return checkLabels(ls)
}

// setRetry tells a client when to try again, if it may.
func setRetry(w http.ResponseWriter, status int) {
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	}
}
