package actions

import (
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/query"
)

// OwnerRule names the owner of some services.
type OwnerRule struct {
	Matchers []*labels.Matcher
	// Owner is a name, in which a label in braces stands for its value.
	Owner alerting.Address
}

// MaxOwner bounds the name of an owner, in characters.
const MaxOwner = 80

// OwnerOf returns the owner of a service by the rules, or nothing. instance has the labels of
// one of its instances, which may be more than those of the service.
func (l Links) OwnerOf(service, instance labels.Labels) string {
	for _, r := range l.Owners {
		value := func(name string) string {
			if v := service.Get(name); v != "" {
				return v
			}
			return instance.Get(name)
		}
		if !query.Matches(r.Matchers, merged(service, instance)) {
			continue
		}
		missing := false
		owner := r.Owner.Fill(maxLink, func(name string) string {
			v := value(name)
			missing = missing || v == ""
			return v
		})
		if owner = strings.TrimSpace(owner); owner != "" && !missing {
			return human.Line(owner, MaxOwner)
		}
	}
	return ""
}

// merged returns the labels of an instance and those of its service, which come first.
func merged(service, instance labels.Labels) labels.Labels {
	b := labels.NewBuilder(instance)
	service.Range(func(l labels.Label) { b.Set(l.Name, l.Value) })
	return b.Labels()
}
