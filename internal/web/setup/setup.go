// Package setup checks what gorowatch needs, for people who set it up: whether series are read,
// and under which names, whether targets answer, alerts are sent and the bucket is written.
// Each check says what to do.
//
// It is pure: it gets the status from internal/app, and internal/web/pages shows the checks.
package setup

import (
	"slices"
	"strings"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector/signals"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// maxWords bounds a sentence, in characters.
const maxWords = view.MaxWords

// State is the result of a check.
type State string

// The states.
const (
	OK       State = "ok"
	Waiting  State = "waiting"
	Optional State = "optional" // it works without
	Failed   State = "failed"
)

// Check is one thing that gorowatch needs.
type Check struct {
	Name  string
	State State
	// Found says what there is, Fix what to do, Help names the page of the documentation.
	Found, Fix, Help string
}

// Run checks all.
func Run(now view.Status, targets []view.Target) []Check {
	return slices.Concat(seriesChecks(now.Series), targetChecks(now.Discovery, targets), alertmanagerChecks(now.Alertmanagers), storageChecks(now.Storage))
}

// seriesChecks are about the source of the counts.
func seriesChecks(s *view.Series) []Check {
	if s == nil {
		return nil
	}
	source := Check{Name: "Series are read", State: OK, Found: "from " + human.Line(s.Source, maxWords), Help: "series"}
	switch {
	case s.Error != "":
		source.State, source.Found = Failed, human.Line(s.Error, maxWords)
		source.Fix = "Check --prometheus.url, and the login in the section prometheus of the configuration. gorowatch tries again at each evaluation."
	case s.Read.IsZero():
		source.State, source.Found = Waiting, "the first answer of "+human.Line(s.Source, maxWords)+" has not come yet"
	}
	history := Check{Name: "History is read", State: OK, Found: "all of the last " + human.Duration(s.History), Help: "detection"}
	if s.Done < 1 {
		history.State, history.Found = Waiting, human.Percent(s.Done)+" of the last "+human.Duration(s.History)+"; older leaks appear as it proceeds"
	}
	return append([]Check{source, history}, signalChecks(s)...)
}

// signalChecks are about each kind of series, by name.
func signalChecks(s *view.Series) (checks []Check) {
	for _, x := range []struct{ signal, name, setting, without string }{
		{"goroutines", "Goroutines are found", "prometheus.series.goroutines", ""},
		{"load", "Load is found", "prometheus.series.load", "With it, gorowatch separates leaks from traffic sooner."},
		{"start_time", "Starts of processes are found", "prometheus.series.start_time", "With it, gorowatch separates restarts from falling counts."},
	} {
		c := Check{Name: x.name, State: OK, Found: UsesText(s.Uses, x.signal), Help: "series"}
		with, without := countUses(s.Uses, x.signal)
		switch {
		case with > 0 && (without == 0 || x.signal == "goroutines"):
		case with > 0:
			c.State = Optional
			c.Fix = x.without + " Add the name that the others export to " + x.setting + "."
		case s.Read.IsZero():
			c.State, c.Found = Waiting, "no series has been read yet"
		case x.signal == "goroutines":
			c.State, c.Found = Failed, "no series has any of the names that are looked for"
			if len(s.Names) > 0 {
				c.Found += ": " + namesText(s.Names)
			}
			c.Fix = "Ask Prometheus for count(go_goroutines). If there are some, check prometheus.selector; if they have another name, add it to " + x.setting + "."
		default:
			c.State, c.Found = Optional, "no series has any of the names"
			c.Fix = x.without + " Add the name that your services export to " + x.setting + "."
		}
		checks = append(checks, c)
	}
	return checks
}

// countUses counts the instances with and without a signal.
func countUses(uses []signals.Use, signal string) (with, without int) {
	for _, u := range uses {
		switch {
		case u.Signal != signal:
		case u.Name == "":
			without += u.Instances
		default:
			with += u.Instances
		}
	}
	return with, without
}

// targetChecks are about the source of the profiles.
func targetChecks(d *view.Discovery, targets []view.Target) (checks []Check) {
	counts, errors := map[view.TargetState]int{}, map[string]int{}
	for _, t := range targets {
		counts[t.State]++
		if t.Error != "" {
			errors[t.Error]++
		}
	}
	var often string
	for text, n := range errors {
		if n > errors[often] || n == errors[often] && text < often {
			often = text
		}
	}
	c := Check{Name: "Profiles are pulled", State: OK, Found: human.Plural(int64(counts[view.TargetUp]), "target", "targets") + " of " + human.Count(int64(len(targets))) + " answered", Help: "quickstart"}
	switch up, down := counts[view.TargetUp], counts[view.TargetDown]+counts[view.TargetUnmatched]; {
	case len(targets) == 0:
		c.State, c.Found = Failed, "no target is known"
		c.Fix = "Without profiles, leaks are found by counts alone and have no stacks. Targets come from Prometheus (/api/v1/targets), from annotations of pods, and from the section targets."
	case up == 0 && down == 0:
		c.State, c.Found = Waiting, human.Plural(int64(len(targets)), "target is", "targets are")+" pulled in turn"
	case down > 0:
		c.State = Optional
		if up == 0 {
			c.State = Failed
		}
		c.Fix = "Most often: " + human.Line(often, maxWords) + ". The targets page has each."
	}
	checks = append(checks, c)
	if d != nil && len(d.Problems) > 0 {
		var problems []string
		for _, p := range d.Problems[:min(len(d.Problems), 5)] {
			problems = append(problems, human.Line(p, maxWords))
		}
		checks = append(checks, Check{
			Name: "Service discovery", State: Failed, Found: strings.Join(problems, "; "),
			Fix: "Give gorowatch the missing right, or correct the section targets.", Help: "troubleshooting",
		})
	}
	return checks
}

// alertmanagerChecks are about the receivers of alerts.
func alertmanagerChecks(all []alerting.ReceiverStatus) (checks []Check) {
	if len(all) == 0 {
		return []Check{{
			Name: "Alerts are sent", State: Optional, Found: "no Alertmanager is configured: leaks are shown here and sent nowhere",
			Fix: "Set alerting.alertmanagers in the configuration.", Help: "alerting",
		}}
	}
	for _, a := range all {
		c := Check{Name: "Alerts are sent", State: OK, Found: "to " + human.Line(a.URL, maxWords), Help: "alerting"}
		switch {
		case a.State == alerting.Failing:
			c.State, c.Found = Failed, human.Line(a.URL, maxWords)+": "+human.Line(a.LastError, maxWords)
			c.Fix = "Check the address, the scheme and the path_prefix in alerting.alertmanagers. Alerts are queued meanwhile."
		case a.LastSuccess.IsZero():
			c.State, c.Found = Waiting, human.Line(a.URL, maxWords)+" has not been sent anything yet"
		}
		checks = append(checks, c)
	}
	return checks
}

// storageChecks are about the bucket.
func storageChecks(s *view.Storage) []Check {
	if s == nil {
		return nil
	}
	c := Check{Name: "The bucket is written", State: OK, Found: human.Line(s.URL, maxWords), Help: "configuration"}
	switch {
	case s.Error != "":
		c.State, c.Found = Failed, human.Line(s.Error, maxWords)
		c.Fix = "Check storage.url and the right to write there. Watching and alerting go on meanwhile."
	case s.URL == "memory" || strings.HasPrefix(s.URL, "mem:"):
		c.State, c.Found = Optional, "profiles and leaks are kept in memory and lost on exit"
		c.Fix = "Set storage.url or --storage.url, such as file:///var/lib/gorowatch or s3://bucket."
	}
	return []Check{c}
}

// UsesText says by which metrics the instances have a signal.
func UsesText(uses []signals.Use, signal string) string {
	out := make([]v1.SignalUse, len(uses))
	for i, u := range uses {
		out[i] = v1.SignalUse{Signal: u.Signal, Metric: u.Name, Instances: u.Instances}
	}
	return v1.SignalText(out, signal)
}
