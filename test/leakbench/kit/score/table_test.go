package score

import (
	"strings"
	"testing"
)

// TestTable checks that pools have a column of their own, in the line of all too.
func TestTable(t *testing.T) {
	truth := &Truth{Start: t0, End: hours(168)}
	for _, job := range []string{"h1", "h2", "pool", "hit", "miss"} {
		truth.Services = append(truth.Services, service(job, job == "hit" || job == "miss"))
	}
	truth.Services[2].Class, truth.Services[2].Saturating = "bounded", true
	var b strings.Builder
	Score(truth, &Report{Leaks: []Finding{find("h1", "a", 5, 0), find("pool", "a", 5, 0), find("hit", "a", 34, 0)}}).Table(&b)
	var got []string
	for l := range strings.Lines(b.String()) {
		got = append(got, strings.Join(strings.Fields(l), " "))
	}
	want := []string{
		"class healthy pools | leaks recall in 24h d50 h d90 h early top1",
		"bounded 1/1 100.0% |",
		"flat 1/2 50.0% |",
		"L-flat | 2 0.500 0.500 +Inf +Inf 0 -",
		"all 1/2 50.0% 1/1 100.0% | 2 0.500 0.500 +Inf +Inf 0 -",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", b.String())
	}
}
