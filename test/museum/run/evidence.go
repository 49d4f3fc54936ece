package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Finding is the result for one program.
type Finding struct {
	Case
	Kind    string  `json:"kind"`
	Alerted bool    `json:"alerted"`
	Minutes float64 `json:"minutes,omitempty"` // of life, from the start to the alert
	Alerts  []Alert `json:"alerts,omitempty"`

	FunctionNamed bool   `json:"function_named"` // anywhere in the last alert
	FunctionFirst bool   `json:"function_first"` // in its summary
	CallerNamed   bool   `json:"caller_named"`
	CulpritNamed  bool   `json:"culprit_named,omitempty"`
	Evidence      string `json:"evidence,omitempty"`
	EvidenceFirst string `json:"evidence_first,omitempty"`
	HintText      string `json:"hint,omitempty"`
	HintTrue      bool   `json:"hint_true"`
	// HintMark is the judgement of a person who has read the hint beside the case; empty:
	// nobody has read this hint.
	HintMark string `json:"hint_mark,omitempty"`
	// Verdict is gorowatch's verdict on the service at the end.
	Verdict string `json:"verdict,omitempty"`

	// Harm.
	Pulls       float64 `json:"pulls"`
	PullSeconds float64 `json:"pull_seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	Goroutines  float64 `json:"goroutines"` // at the end
}

// Evidence is the result of one show.
type Evidence struct {
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
	Life    string    `json:"life"`
	Speed   float64   `json:"speed"`
	// Note says how the run differs from the page's description; empty: it does not.
	Note     string    `json:"note,omitempty"`
	Findings []Finding `json:"findings"`
}

// collect gathers the results from all programs and servers.
func collect(o Options, stage *Stage, w *Watch) (*Evidence, error) {
	e := &Evidence{Time: time.Now().UTC().Truncate(time.Second), Life: o.life.String(), Speed: o.speed}
	verdicts, err := verdicts(w.gorowatch)
	if err != nil {
		return nil, err
	}
	for _, s := range stage.Shown {
		f := Finding{Case: s.Case, Kind: s.Kind, Alerts: w.alertmanager.of(s.job())}
		if len(f.Alerts) > 0 {
			f.judge(s, o.speed)
		}
		f.Verdict = verdicts[s.job()]
		f.HintTrue = says(f.HintText, f.Hint...)
		if err := f.harm(s); err != nil {
			return nil, fmt.Errorf("%s: %w", s.job(), err)
		}
		e.Findings = append(e.Findings, f)
	}
	return e, nil
}

// judge compares the alert with the truth.
func (f *Finding) judge(s Shown, speed float64) {
	first := f.Alerts[0]
	f.Alerted = true
	f.Minutes = first.At.Sub(s.At).Minutes() * speed
	f.EvidenceFirst = word(first.First["evidence"])
	f.Evidence = word(first.Annotations["evidence"])
	var all strings.Builder
	for _, text := range first.Annotations {
		all.WriteString(text + "\n")
	}
	for _, function := range f.functions() {
		f.FunctionNamed = f.FunctionNamed || names(all.String(), function)
		f.FunctionFirst = f.FunctionFirst || names(first.Annotations["summary"], function)
	}
	// The hint is a separate line in the description.
	for line := range strings.Lines(first.Annotations["description"]) {
		if hint, ok := strings.CutPrefix(strings.TrimSpace(line), "Usually: "); ok {
			f.HintText = hint
		}
	}
	f.CallerNamed = names(all.String(), f.Caller)
	f.CulpritNamed = f.Culprit != "" && names(all.String(), f.Culprit)
}

func word(evidence string) string {
	evidence, _, _ = strings.Cut(evidence, ":")
	return strings.TrimSpace(evidence)
}

// closure matches the compiler's suffix of closures, which the line distinguishes and not the
// name.
var closure = regexp.MustCompile(`(\.func\d+|\.\d+|\[\.\.\.\]|-range\d+)+$`)

// names reports whether a text has the name of a function, with or without the
// beginning of its import path.
func names(text, function string) bool {
	if function == "" {
		return false
	}
	function = closure.ReplaceAllString(readable(function), "")
	if i := strings.LastIndexByte(function, '/'); i >= 0 {
		function = function[i+1:]
	}
	return strings.Contains(readable(text), function)
}

// says reports whether a text has one of the words.
func says(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(strings.ToLower(text), strings.ToLower(w)) {
			return true
		}
	}
	return false
}

// verdicts reads gorowatch's verdict on each job, in its own words.
func verdicts(url string) (map[string]string, error) {
	text, err := get(url + "/api/v1/services?limit=1000")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Services []struct {
				Labels           map[string]string `json:"labels"`
				Status           string            `json:"status"`
				Why              string            `json:"why"`
				SuppressedReason string            `json:"suppressed_reason"`
			} `json:"services"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("%s/api/v1/services: %w", url, err)
	}
	said := map[string]string{}
	for _, s := range answer.Data.Services {
		said[s.Labels["job"]] = strings.Join(slices.DeleteFunc([]string{s.Status, s.Why, s.SuppressedReason}, func(s string) bool { return s == "" }), ": ")
	}
	return said, nil
}

// harm reads how many profiles the program served, and what they cost.
func (f *Finding) harm(s Shown) error {
	text, err := s.scraped()
	if err != nil {
		return err
	}
	for name, to := range map[string]*float64{
		"museum_profile_requests_total": &f.Pulls, "museum_profile_seconds_total": &f.PullSeconds,
		"process_cpu_seconds_total": &f.CPUSeconds, "go_goroutines": &f.Goroutines,
	} {
		*to = metric(text, name)
	}
	return nil
}

// metric returns the sum of a metric in Prometheus' text format.
func metric(text []byte, name string) (sum float64) {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		if v, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64); err == nil {
			sum += v
		}
	}
	return sum
}

// version returns that of the repository, with a mark if it has changes.
func version(root string) string {
	out, err := exec.Command("git", "-C", root, "describe", "--tags", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func (e *Evidence) writeJSON(path string) error {
	text, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// readEvidence reads the output of writeJSON.
func readEvidence(path string) (*Evidence, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	e := &Evidence{}
	if err := json.Unmarshal(text, e); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}
