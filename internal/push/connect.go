package push

import (
	"encoding/json"
	"net/http"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/human"
)

// protoType is the content type of a unary call whose message is a protocol buffer.
const protoType = "application/proto"

// connectTypes are the content types of Push.
var connectTypes = contentTypes{types: []string{protoType}, text: protoType + ", as unary calls of the Connect protocol have it"}

// connectError is an error of the Connect protocol.
type connectError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Push answers push.v1.PusherService/Push, a unary call of the Connect protocol. A message is
// answered without an error if at least one of its profiles is used.
func (h *Handler) Push(w http.ResponseWriter, r *http.Request) {
	p := h.push(w, r)
	if p == nil {
		w.Header().Set("Content-Type", protoType)
		w.WriteHeader(http.StatusOK) // an empty message
		return
	}
	answer := answers[p.reason]
	if p.reason == ReasonContentType {
		w.Header().Set("Accept-Post", protoType)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.status)
	_ = json.NewEncoder(w).Encode(connectError{answer.code, p.text})
}

func (h *Handler) push(w http.ResponseWriter, r *http.Request) *problem {
	x, leave, p := h.admit(w, r, connectTypes)
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

// seriesLabels returns the labels of a series, which must differ in their names.
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
