package apiv1

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/triage"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// maxTriageBody is the longest request to change the triage of a leak, in bytes.
const maxTriageBody = 64 << 10

// triageBody is the triage of a leak, in requests and answers.
type triageBody struct {
	Owner    string        `json:"owner"`
	Note     string        `json:"note"`
	Expected *expectedBody `json:"expected"`
	// UpdatedAt is only in answers.
	UpdatedAt *time.Time `json:"updated_at,omitempty"`
}

type expectedBody struct {
	Reason string `json:"reason"`
	// Until is a day or a time; empty: no end.
	Until string `json:"until"`
}

func newTriageBody(e triage.Entry) triageBody {
	b := triageBody{Owner: e.Owner, Note: e.Note}
	if !e.UpdatedAt.IsZero() {
		at := e.UpdatedAt.UTC()
		b.UpdatedAt = &at
	}
	if x := e.Expected; x != nil {
		b.Expected = &expectedBody{Reason: x.Reason}
		if !x.Until.IsZero() {
			b.Expected.Until = x.Until.UTC().Format(time.RFC3339)
		}
	}
	return b
}

// triage sends the triage of a leak.
func (h *Handler) triage(w http.ResponseWriter, r *http.Request) {
	if l, ok := h.leakOf(w, r); ok {
		h.json.Send(w, r, newTriageBody(h.view.TriageOf(l)))
	}
}

// setTriage replaces the triage of a leak.
func (h *Handler) setTriage(w http.ResponseWriter, r *http.Request) {
	if !h.view.CanTriage() {
		h.json.Refuse(w, http.StatusForbidden, envelope.Forbidden, view.TriageOff)
		return
	}
	l, ok := h.leakOf(w, r)
	if !ok {
		return
	}
	var b triageBody
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxTriageBody))
	body.DisallowUnknownFields()
	if err := body.Decode(&b); err != nil {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "expected owner, note and expected (reason, until) as JSON: "+human.Line(err.Error(), view.MaxName))
		return
	}
	e := triage.Entry{Owner: b.Owner, Note: b.Note}
	if x := b.Expected; x != nil {
		until, err := triage.ParseUntil(x.Until)
		if err != nil {
			h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, err.Error())
			return
		}
		e.Expected = &triage.Expected{Reason: x.Reason, Until: until}
	}
	if code, err := h.view.SetTriage(r.Context(), l, e); err != nil {
		h.json.Refuse(w, code, envelope.TypeOf(code), err.Error())
		return
	}
	h.json.Send(w, r, newTriageBody(h.view.TriageOf(l)))
}
