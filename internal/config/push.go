package config

import (
	"fmt"

	"github.com/alecthomas/units"
	"github.com/prometheus/prometheus/model/relabel"
)

// Push says which profiles are accepted that are sent unasked.
type Push struct {
	// Enabled accepts profiles at /ingest and /push.v1.PusherService/Push.
	Enabled bool `yaml:"enabled"`
	// RelabelConfigs are applied to the labels of each profile.
	RelabelConfigs []*relabel.Config `yaml:"relabel_configs,omitempty"`
	// Match are the labels that a profile and the series of its instance have in common.
	// Empty: namespace and pod, or instance.
	Match []string `yaml:"match,omitempty"`
	// RequestLimit bounds the bytes of a request, as sent and decompressed.
	RequestLimit units.Base2Bytes `yaml:"request_limit,omitempty"`
	// SenderRate is how many requests a second each sender may send in the long run,
	// SenderBandwidth how many bytes.
	SenderRate      float64          `yaml:"sender_rate,omitempty"`
	SenderBandwidth units.Base2Bytes `yaml:"sender_bandwidth,omitempty"`
	// SenderSeries is how many label sets the profiles of a sender may have.
	SenderSeries int `yaml:"sender_series,omitempty"`
}

func defaultPush() Push {
	return Push{RequestLimit: 16 * units.MiB, SenderRate: 200, SenderBandwidth: 10 * units.MiB, SenderSeries: 5000}
}

// push checks the section profiles.push.
func (v *validator) push(p *Push) {
	v.relabel("profiles.push.relabel_configs", p.RelabelConfigs)
	for i, name := range p.Match {
		v.labelName(fmt.Sprintf("profiles.push.match[%d]", i), name)
	}
	v.size("profiles.push.request_limit", p.RequestLimit)
	v.size("profiles.push.sender_bandwidth", p.SenderBandwidth)
	if r := p.SenderRate; !(r > 0 && r <= 100_000) {
		v.add("profiles.push.sender_rate", fmt.Errorf("%g is out of range, expected requests a second, more than 0 and up to 100000", r))
	}
	v.between("profiles.push.sender_series", p.SenderSeries, 1, 1_000_000)
}
