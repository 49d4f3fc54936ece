package discovery

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/prometheus/common/model"
	sd "github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/gorowatch/gorowatch/collector"
)

// profilePathLabel is the path of the goroutine profile. Relabelling may set it, like
// __metrics_path__.
const profilePathLabel = model.ReservedLabelPrefix + "profile_path__"

// Set is a set of targets that service discovery finds.
type Set struct {
	// Name is the set's place in the configuration, for people: targets[2].
	Name    string
	Configs sd.Configs
	// Relabel is applied to every target, as in Prometheus. The label __profile_path__ is the
	// path of the goroutine profile.
	Relabel []*relabel.Config
	// Match names the labels that a target and its series share. Empty: namespace and pod if
	// both have them, else instance, else its host.
	Match []string
	// PodAnnotations selects those pods (role pod of Kubernetes) whose annotations ask for it,
	// at the address that these give.
	PodAnnotations bool
	// Limit is the number of targets that are used; 0: no limit
	Limit  int
	Access Access
}

// Endpoint is a target that service discovery has found.
type Endpoint struct {
	// Set is the name of the set that found it.
	Set string
	// Labels are those left after relabelling. instance is the address unless
	// relabelling has set it; namespace, pod and container are those of the
	// pod.
	Labels labels.Labels
	// Job is a name for the service of a pod, if no label has one.
	Job string
	// Metrics is the presumed address of its metrics.
	Metrics *url.URL
	// Err says why it gets no requests for profiles, although it may be the target of an
	// instance.
	Err error

	target collector.Target
}

// URL returns the address of the goroutine profile; nil if Err says why there is none.
func (e *Endpoint) URL() *url.URL { return e.target.URL }

// Client returns the client that logs in to the target.
func (e *Endpoint) Client() *http.Client { return e.target.Client }

// endpoints makes the targets of a set from the groups of its mechanisms. Those that cannot be
// targets have the reason.
func (s *Set) endpoints(groups []*targetgroup.Group) []*Endpoint {
	var out []*Endpoint
	lb := labels.NewBuilder(labels.EmptyLabels())
	for _, g := range groups {
		targets, refused := g.Targets, error(nil)
		if s.PodAnnotations && isPod(g) {
			target, asked, err := annotated(g)
			if !asked {
				continue
			}
			targets, refused = []model.LabelSet{target}, err
		}
		for _, t := range targets {
			if e := s.endpoint(lb, t, g.Labels, refused); e != nil {
				out = append(out, e)
			}
		}
	}
	return out
}

// endpoint makes a target of discovered labels; nil: relabelling drops it.
func (s *Set) endpoint(lb *labels.Builder, target, group model.LabelSet, refused error) *Endpoint {
	lb.Reset(labels.EmptyLabels())
	for name, value := range group {
		lb.Set(string(name), string(value))
	}
	for name, value := range target {
		lb.Set(string(name), string(value))
	}
	setDefault(lb, model.SchemeLabel, s.Access.scheme("http"))
	setDefault(lb, model.MetricsPathLabel, "/metrics")
	setDefault(lb, profilePathLabel, s.Access.profilePath())
	if !relabel.ProcessBuilder(lb, s.Relabel...) {
		return nil
	}
	for _, l := range []struct{ name, meta string }{
		{"namespace", "__meta_kubernetes_namespace"},
		{"pod", "__meta_kubernetes_pod_name"},
		{"container", "__meta_kubernetes_pod_container_name"},
	} {
		setDefault(lb, l.name, lb.Get(l.meta))
	}
	address, scheme := lb.Get(model.AddressLabel), lb.Get(model.SchemeLabel)
	setDefault(lb, model.InstanceLabel, address)
	e := &Endpoint{
		Set: s.Name, Job: podJob(lb), Err: refused,
		Metrics: &url.URL{Scheme: scheme, Host: address, Path: lb.Get(model.MetricsPathLabel)},
	}
	if port := lb.Get(metricsPortLabel); port != "" {
		e.Metrics.Host = net.JoinHostPort(host(address), port)
	}
	switch {
	case e.Err != nil:
	case address == "" || strings.Contains(address, "/"):
		e.Err = collector.Errorf(collector.ReasonNoTarget, "%s: its address is %q after relabelling, expected host:port", s.Name, address)
	case scheme != "http" && scheme != "https":
		e.Err = collector.Errorf(collector.ReasonNoTarget, "%s: its scheme is %q after relabelling, expected http or https", s.Name, scheme)
	default:
		if e.Err = s.Access.allowed(address); e.Err != nil {
			break
		}
		e.target = s.Access.at(scheme, s.Access.address(address, lb.Get(portLabel)), lb.Get(profilePathLabel))
	}
	lb.Range(func(l labels.Label) {
		if strings.HasPrefix(l.Name, model.ReservedLabelPrefix) {
			lb.Del(l.Name)
		}
	})
	e.Labels = lb.Labels()
	return e
}

func setDefault(lb *labels.Builder, name, value string) {
	if lb.Get(name) == "" {
		lb.Set(name, value)
	}
}
