package notice

import (
	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/leak"
)

// Notice is one alert of a leak: the leak in the state of the alert, and the
// severity.
type Notice struct {
	Leak     leak.Leak
	Severity alerting.Severity
}

// Key identifies the alert in all its states.
func (n Notice) Key() string {
	if n.Severity == alerting.Warning {
		return n.Leak.ID
	}
	return n.Leak.ID + " " + string(n.Severity)
}

// StateKey identifies the alert in its present state.
func (n Notice) StateKey() string { return n.Key() + string(n.Leak.State) }
