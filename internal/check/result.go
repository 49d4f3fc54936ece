package check

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/diff"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// result is the result of a check.
type result struct {
	Leaked  bool
	Stayed  int64 // goroutines that stayed, of the stacks that grew each time
	Proven  int64 // of these, those that the garbage collector cannot reach
	Allowed int64
	Runs    int
	target  string // redacted
	command string
	dumps   string // the compared profiles: "before.log → after.log"
	took    time.Duration
	report  *diff.Report // of those stacks
}

func (c *checker) result(base, head *stack.Snapshot, stayed []growth, runs int, took time.Duration) *result {
	deltas := make([]stack.Delta, len(stayed))
	for i, g := range stayed {
		st := *g.Stack
		st.Leaked = g.proven // only of the growth
		deltas[i] = stack.Delta{Stack: &st, Base: g.Base, Head: g.Head}
	}
	r := &result{Allowed: c.Allow, Runs: runs, target: c.Target, took: took, command: human.Line(strings.Join(c.Command, " "), 200), report: diff.Of(base, head, deltas)}
	if u, err := url.Parse(c.Target); err == nil {
		r.target = collector.RedactURL(u)
	}
	for _, g := range stayed {
		r.Stayed += g.Growth()
		r.Proven += g.proven
	}
	r.Leaked = r.Stayed > c.Allow
	return r
}

// evidence returns the evidence of the leak; empty: no goroutine stayed.
func (r *result) evidence() leak.Evidence {
	switch {
	case r.Proven > 0:
		return leak.Proven
	case r.Stayed > 0:
		return leak.Stack
	}
	return ""
}

// verdict returns one line: "50 goroutines stayed after 3 runs of ./load-test.sh; all of them
// are proven leaks: the garbage collector cannot reach them".
func (r *result) verdict() string {
	out := r.outcome()
	switch {
	case r.Proven == 0:
		return out
	case r.Proven < r.Stayed:
		return fmt.Sprintf("%s; %s of them are proven leaks: the garbage collector cannot reach them", out, human.Count(r.Proven))
	case r.Proven == 1:
		return out + "; it is a proven leak: the garbage collector cannot reach it"
	}
	return out + "; all of them are proven leaks: the garbage collector cannot reach them"
}

// outcome returns the verdict without its evidence.
func (r *result) outcome() string {
	what := "no goroutine stayed"
	if r.Stayed > 0 {
		what = human.Plural(r.Stayed, "goroutine", "goroutines") + " stayed"
	}
	if r.Stayed > 0 && r.Allowed > 0 {
		what += fmt.Sprintf(" (%s allowed)", human.Count(r.Allowed))
	}
	if r.dumps != "" {
		return what + ", " + r.dumps
	}
	if r.Runs == 1 {
		return what + " after " + r.command
	}
	return fmt.Sprintf("%s after %d runs of %s", what, r.Runs, r.command)
}

func (r *result) write(w io.Writer, format string) error {
	var b bytes.Buffer
	word := map[bool]string{true: "LEAK", false: "ok"}[r.Leaked]
	switch format {
	case diff.FormatJSON:
		if err := r.json(&b); err != nil {
			return err
		}
	case diff.FormatMarkdown:
		fmt.Fprintf(&b, "### %s: %s\n\n", word, strings.ReplaceAll(r.verdict(), "`", "'"))
		if r.Stayed > 0 {
			if err := r.report.Write(&b, format, 0); err != nil {
				return err
			}
		}
	default:
		fmt.Fprintf(&b, "%s: %s\n", word, r.verdict())
		if r.Stayed > 0 {
			b.WriteByte('\n')
			if err := r.report.Write(&b, diff.FormatTable, 0); err != nil {
				return err
			}
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// json writes the report of diff for the stacks that stayed, below the verdict.
func (r *result) json(b *bytes.Buffer) error {
	var report bytes.Buffer
	if err := r.report.Write(&report, diff.FormatJSON, 0); err != nil {
		return err
	}
	out, err := json.MarshalIndent(struct {
		Leaked   bool            `json:"leaked"`
		Evidence leak.Evidence   `json:"evidence,omitempty"`
		Stayed   int64           `json:"stayed"`
		Proven   int64           `json:"proven"`
		Allowed  int64           `json:"allowed"`
		Runs     int             `json:"runs,omitempty"`
		Target   string          `json:"target,omitempty"`
		Command  string          `json:"command,omitempty"`
		Dumps    string          `json:"dumps,omitempty"`
		Diff     json.RawMessage `json:"diff"`
	}{r.Leaked, r.evidence(), r.Stayed, r.Proven, r.Allowed, r.Runs, r.target, r.command, r.dumps, report.Bytes()}, "", "  ")
	b.Write(out)
	b.WriteByte('\n')
	return err
}

// The elements of JUnit's XML that CI servers read.
type (
	junitSuites struct {
		XMLName xml.Name   `xml:"testsuites"`
		Suite   junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// message describes the failure of one stack: "50 goroutines stayed at main.leak x.go:3, evidence
// proven; known: fixed in v1.2.3 (acme/pool#12): …".
func message(s diff.Stack) string {
	out := fmt.Sprintf("%s stayed at %s", human.Plural(s.Growth(), "goroutine", "goroutines"), human.Line(s.Key.String(), 200))
	if s.Leaked > 0 {
		out += ", evidence proven"
	}
	if m, ok := s.Known(); ok {
		out += "; " + m.Name() + ": " + human.Line(m.Sentence(), 600)
	}
	return out
}

// junit writes a failed test for each leaked stack, or one that passed.
func (r *result) junit() ([]byte, error) {
	seconds := fmt.Sprintf("%.3f", r.took.Seconds())
	suite := junitSuite{Name: "gorowatch check " + r.target + r.dumps, Time: seconds}
	if r.Leaked {
		for _, s := range r.report.Stacks {
			var text bytes.Buffer
			one := *r.report
			one.Stacks = []diff.Stack{s}
			if err := one.Write(&text, diff.FormatTable, 0); err != nil {
				return nil, err
			}
			suite.Cases = append(suite.Cases, junitCase{
				Class: "goroutines", Name: human.Func(s.Key.Func, 200) + " " + s.Op, Time: seconds,
				Failure: &junitFailure{Message: message(s), Type: "GoroutineLeak", Text: text.String()},
			})
		}
		suite.Failures = len(suite.Cases)
	} else {
		suite.Cases = []junitCase{{Class: "goroutines", Name: "no leak", Time: seconds}}
	}
	suite.Tests = len(suite.Cases)
	out, err := xml.MarshalIndent(junitSuites{Suite: suite}, "", "  ")
	return append([]byte(xml.Header), append(out, '\n')...), err
}
