package view

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/trend"
)

// Service is a watched service with its verdict.
type Service struct {
	Labels labels.Labels
	// Instances is how many there are now, without those that are gone.
	Instances int
	// Count is the goroutines of all instances now, Floor the sum of their latest
	// floors.
	Count, Floor float64
	// Rate is the growth in goroutines per hour over the instances that grow; zero for a
	// service that does not.
	Rate   trend.Interval
	Status trend.Status
	// Gate is the reason why the status is not higher. Confidence and Wait are those of
	// trend.Verdict.
	Gate          trend.Gate
	Z, Confidence float64
	Wait          time.Duration
	// SuppressedReason is why no alert is sent although the counts show a leak, in plain words.
	// It is empty if they show none, or if the alert is sent.
	SuppressedReason string
	// Scale is the length of the blocks that decided; zero if none did.
	Scale time.Duration
	// Growing are the instances that grow.
	Growing []trend.InstanceTrend
	// LastSample is when it was last scraped.
	LastSample time.Time
}

// Instance is a watched instance of a service.
type Instance struct {
	trend.Instance
	Labels labels.Labels
	// Gone means that its series have ended.
	Gone bool
}

// Help returns the page of the documentation that explains the verdict.
func (s Service) Help() string { return v1.Reason{Status: s.Status, Gate: s.Gate}.Help() }

// Why says in plain words what the verdict on the counts means, and why no alert is sent if one
// might be expected.
func (s Service) Why() string {
	text := v1.Reason{Status: s.Status, Gate: s.Gate, Confidence: s.Confidence, Wait: s.Wait}.Text()
	if s.SuppressedReason != "" {
		text += "; no alert yet: " + human.Line(s.SuppressedReason, MaxWords)
	}
	return text
}

// ServiceID returns the identity of a service in a path.
func ServiceID(service labels.Labels) string {
	h := sha256.Sum256(service.Bytes(nil))
	return hex.EncodeToString(h[:6])
}

// Service finds a service by its id, also one that is only known by its leaks. The latter is
// not watched.
func (r *Reader) Service(id string) (s Service, watched, ok bool) {
	for _, s := range r.o.Backend.Services() {
		if ServiceID(s.Labels) == id {
			return s, true, true
		}
	}
	for _, l := range r.o.Backend.Leaks() {
		if ServiceID(l.Service) == id {
			return Service{Labels: l.Service, Status: trend.Quiet, Gate: trend.GateTooLittle}, false, true
		}
	}
	return Service{}, false, false
}

// Services returns the services that match a filter: leaking ones first, then the most
// suspicious. Total is how many are watched.
func (r *Reader) Services(f query.Filter, firing FiringLeaks) (services []Service, total int) {
	all := sortServices(r.o.Backend.Services(), firing)
	services = slices.DeleteFunc(all, func(s Service) bool {
		texts := []string{alerting.ServiceName(s.Labels), string(s.Status), string(s.Gate), s.Gate.Text()}
		if f.HasWords() {
			for _, l := range firing.Of(s.Labels) {
				texts = append(texts, stackTexts(l)...)
			}
		}
		return !f.Passes(s.Labels, texts...)
	})
	return services, len(all)
}

func sortServices(services []Service, firing FiringLeaks) []Service {
	type keyed struct {
		Service
		leaks int
		name  string
	}
	all := make([]keyed, len(services))
	for i, s := range services {
		all[i] = keyed{s, len(firing.Of(s.Labels)), alerting.ServiceName(s.Labels)}
	}
	slices.SortFunc(all, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(b.leaks, a.leaks), CompareStatus(a.Status, b.Status), strings.Compare(a.name, b.name))
	})
	out := make([]Service, len(all))
	for i := range all {
		out[i] = all[i].Service
	}
	return out
}

// Statuses are those of services, the most important first.
var Statuses = []trend.Status{trend.Leaking, trend.Plateaued, trend.Suspicious, trend.Provisional, trend.Quiet}

// CompareStatus orders statuses as Statuses does; an unknown one is as the first.
func CompareStatus(a, b trend.Status) int {
	rank := func(s trend.Status) int { return max(slices.Index(Statuses, s), 0) }
	return cmp.Compare(rank(a), rank(b))
}
