package view

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// pullTimeout bounds the time to take a profile, which has a timeout of its own
// in the configuration, of up to 10 minutes.
const pullTimeout = 11 * time.Minute

// PullOff is the answer to requests for profiles while they are not enabled.
const PullOff = "taking profiles is not enabled: see --web.enable-admin-api"

// CanPull reports whether people may take profiles.
func (r *Reader) CanPull() bool { return r.o.Puller != nil }

// TakeProfile takes a profile of a watched instance now. It gives the answer w more time than
// others get.
func (r *Reader) TakeProfile(ctx context.Context, w http.ResponseWriter, service labels.Labels, instance string) (leak.ProfileRef, error) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pullTimeout)) // else it has the usual time
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	for _, in := range r.o.Backend.Instances(service) {
		if in.Name == instance {
			return r.o.Puller.Pull(ctx, service, in)
		}
	}
	return leak.ProfileRef{}, collector.Errorf(collector.ReasonNoTarget, "%s is not watched now", human.Line(instance, MaxName))
}

// PullStatus returns the status of the answer to a request whose profile was not taken.
func PullStatus(err error) int {
	switch collector.ReasonOf(err) {
	case collector.ReasonBudget, collector.ReasonRateLimited:
		return http.StatusTooManyRequests
	case collector.ReasonNoTarget, collector.ReasonGone:
		return http.StatusNotFound
	case collector.ReasonNoConsent:
		return http.StatusForbidden
	}
	return http.StatusBadGateway
}
