package view

import (
	"context"
	"errors"
	"net/http"

	"github.com/gorowatch/gorowatch/internal/triage"
	"github.com/gorowatch/gorowatch/leak"
)

// TriageOff is the answer to changes while they are not enabled.
const TriageOff = "changes to leaks are not enabled; set --web.enable-admin-api"

// errTriageOff is TriageOff as an error.
var errTriageOff = errors.New(TriageOff)

// CanTriage reports whether people may change the triage of leaks.
func (r *Reader) CanTriage() bool { return r.o.Triage != nil && r.o.Triage.CanSet() }

// TriageOf returns the triage of a leak.
func (r *Reader) TriageOf(l leak.Leak) triage.Entry {
	e := triage.Entry{Leak: l.ID}
	if r.o.Triage != nil {
		e = r.o.Triage.Entry(l.ID)
		e.Leak = l.ID
	}
	return e
}

// SetTriage checks and stores the triage of a leak. An expectation is about the leak's leading
// stack. The code is that of an answer to the request.
func (r *Reader) SetTriage(ctx context.Context, l leak.Leak, e triage.Entry) (code int, err error) {
	if !r.CanTriage() {
		return http.StatusForbidden, errTriageOff
	}
	e.Leak = l.ID
	if e.Expected != nil {
		x := *e.Expected
		x.Service, x.Signature = l.Service, ""
		if len(l.Stacks) > 0 {
			x.Signature = l.Stacks[0].Signature
		}
		e.Expected = &x
	}
	if err := e.Check(r.o.Backend.Now()); err != nil {
		return http.StatusBadRequest, err
	}
	if err := r.o.Triage.Set(ctx, e); err != nil {
		return http.StatusBadGateway, err
	}
	return http.StatusOK, nil
}
