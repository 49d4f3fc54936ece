package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/score"
)

// TestMain lets the test binary play the monitor: it reports three leaks; a
// dishonest one back-dates the last once it has seen later data.
func TestMain(m *testing.M) {
	if mode := os.Getenv("FAKE_MONITOR"); mode != "" {
		fake(mode)
		return
	}
	os.Exit(m.Run())
}

func fake(mode string) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := t0.Add(100 * time.Hour)
	for _, a := range os.Args {
		var s string
		if n, _ := fmt.Sscanf(a, "--end=%s", &s); n == 1 {
			end, _ = time.Parse(time.RFC3339, s)
		}
	}
	var rep score.Report
	for i, h := range []int{10, 20, 30} {
		at := t0.Add(time.Duration(h) * time.Hour)
		if mode == "backdate" && i == 2 && end.After(at.Add(time.Hour)) {
			at = at.Add(-5 * time.Hour)
		}
		if at.After(end) {
			continue
		}
		f := score.Finding{ID: fmt.Sprint(i), DetectedAt: at}
		f.Service.Namespace, f.Service.Job = "sim", fmt.Sprint("svc", i)
		rep.Leaks = append(rep.Leaks, f)
	}
	json.NewEncoder(os.Stdout).Encode(rep)
	os.Exit(3) // a status of its own
}

func TestHonest(t *testing.T) {
	bin, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for mode, ok := range map[string]bool{"honest": true, "backdate": false} {
		t.Setenv("FAKE_MONITOR", mode)
		err := honestCmd(nil, []string{"-gorowatch", bin, "-data", filepath.Join(t.TempDir(), "d"), "-n", "6"})
		if (err == nil) != ok {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestCompare(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := func(id string, h int) score.Finding {
		x := score.Finding{ID: id, DetectedAt: at.Add(time.Duration(h) * time.Hour)}
		x.Service.Job = "j" + id
		return x
	}
	rep := func(fs ...score.Finding) *score.Report { return &score.Report{Leaks: fs} }
	end := at.Add(24 * time.Hour)
	for i, c := range []struct {
		full, cut *score.Report
		want      int
	}{
		{rep(f("1", 10), f("2", 30)), rep(f("1", 10)), 0},
		{rep(f("1", 10)), rep(), 1},           // missing
		{rep(f("1", 10)), rep(f("1", 11)), 2}, // another time, and one that the full run lacks
		{rep(), rep(f("1", 10)), 1},           // withdrawn with hindsight
		{rep(f("1", 30)), rep(f("1", 30)), 1}, // found after the end
		{rep(f("1", 24)), rep(f("1", 24)), 0}, // at the end
	} {
		if got := compare(c.full, c.cut, end); len(got) != c.want {
			t.Errorf("case %d: %q", i, got)
		}
	}
}
