package check

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/prometheus/common/version"

	"github.com/gorowatch/gorowatch/internal/diff"
	"github.com/gorowatch/gorowatch/internal/human"
)

// FormatGitHub is a table, followed by annotations that GitHub shows at the line of each leak.
const FormatGitHub = "github"

// finding is a leaked stack with its place in the checkout.
type finding struct {
	diff.Stack
	path string // empty: outside of the checkout
	line int
}

// findings returns the leaked stacks; none if that many are allowed.
func (r *result) findings(p places) (out []finding) {
	if !r.Leaked {
		return nil
	}
	for _, s := range r.report.Stacks {
		f := finding{Stack: s}
		f.path, f.line = p.of(s.Delta.Stack)
		out = append(out, f)
	}
	return out
}

// annotations writes commands of a GitHub workflow, one a leak.
func annotations(w io.Writer, all []finding) {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, f := range all {
		at := ""
		if f.path != "" {
			at = fmt.Sprintf("file=%s,line=%d,", property.Replace(f.path), f.line)
		}
		fmt.Fprintf(w, "::error %stitle=Goroutine leak::%s\n", at, data.Replace(message(f.Stack)))
	}
}

// fingerprint identifies a leak as long as its stack stays the same.
func (f finding) fingerprint() string {
	sum := sha256.Sum256([]byte(f.Signature))
	return hex.EncodeToString(sum[:])
}

// codeQuality writes a report in the form that GitLab shows in merge requests.
func codeQuality(all []finding) ([]byte, error) {
	type lines struct {
		Begin int `json:"begin"`
	}
	type location struct {
		Path  string `json:"path"`
		Lines lines  `json:"lines"`
	}
	type issue struct {
		Description string   `json:"description"`
		CheckName   string   `json:"check_name"`
		Fingerprint string   `json:"fingerprint"`
		Severity    string   `json:"severity"`
		Location    location `json:"location"`
	}
	issues := []issue{}
	for _, f := range all {
		x := issue{message(f.Stack), "goroutine-leak", f.fingerprint(), "major", location{f.path, lines{f.line}}}
		if f.Leaked > 0 {
			x.Severity = "critical" // it is proven
		}
		if f.path == "" { // GitLab requires a place
			x.Location = location{"go.mod", lines{1}}
		}
		issues = append(issues, x)
	}
	return indented(issues)
}

// The parts of SARIF 2.1.0 that a leak needs.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
		HelpURI          string    `json:"helpUri"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID              string            `json:"ruleId"`
		Level               string            `json:"level"`
		Message             sarifText         `json:"message"`
		Locations           []sarifLocation   `json:"locations,omitempty"`
		Stacks              []sarifStack      `json:"stacks,omitempty"`
		PartialFingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		PhysicalLocation *sarifPlace `json:"physicalLocation,omitempty"`
		Message          *sarifText  `json:"message,omitempty"`
	}
	sarifPlace struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifStack struct {
		Frames []sarifFrame `json:"frames"`
	}
	sarifFrame struct {
		Location sarifLocation `json:"location"`
	}
)

const (
	repository = "https://github.com/gorowatch/gorowatch"
	maxFrames  = 50
)

// sarif writes a report in SARIF 2.1.0, for code scanning.
func sarif(all []finding, p places) ([]byte, error) {
	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name: "gorowatch", Version: version.Version, InformationURI: repository,
			Rules: []sarifRule{{"goroutine-leak", sarifText{"Goroutines that stay after the work is done."}, repository + "/blob/main/docs/leaks/README.md"}},
		}},
		Results: []sarifResult{},
	}
	for _, f := range all {
		x := sarifResult{RuleID: "goroutine-leak", Level: "error", Message: sarifText{message(f.Stack)}, PartialFingerprints: map[string]string{"signature/v1": f.fingerprint()}}
		if f.path != "" {
			x.Locations = []sarifLocation{{PhysicalLocation: sarifAt(f.path, f.line)}}
		}
		var stack sarifStack
		for _, frame := range f.Frames[:min(len(f.Frames), maxFrames)] {
			at := sarifLocation{Message: &sarifText{human.Line(frame.String(), 300)}}
			if path, ok := p.relative(frame.File); ok && frame.Line > 0 {
				at.PhysicalLocation = sarifAt(path, frame.Line)
			}
			stack.Frames = append(stack.Frames, sarifFrame{at})
		}
		if len(stack.Frames) > 0 {
			x.Stacks = []sarifStack{stack}
		}
		run.Results = append(run.Results, x)
	}
	return indented(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func sarifAt(path string, line int) *sarifPlace {
	return &sarifPlace{sarifArtifact{path, "%SRCROOT%"}, sarifRegion{line}}
}

func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}

// writeReports writes the requested files.
func (o Options) writeReports(r *result, p places) error {
	for _, x := range []struct {
		name, file string
		make       func() ([]byte, error)
	}{
		{"JUnit report", o.JUnit, r.junit},
		{"SARIF report", o.SARIF, func() ([]byte, error) { return sarif(r.findings(p), p) }},
		{"Code quality report", o.CodeQuality, func() ([]byte, error) { return codeQuality(r.findings(p)) }},
	} {
		if x.file == "" {
			continue
		}
		data, err := x.make()
		if err == nil {
			err = os.WriteFile(x.file, data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
	}
	return nil
}
