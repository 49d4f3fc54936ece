package e2e

import (
	"bufio"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Gorowatch is a running gorowatch.
type Gorowatch struct {
	*Program
	URL string
}

// listening matches the log line with the address.
var listening = regexp.MustCompile(`msg="?Listening"? .*?address=(\S+)`)

// StartGorowatch runs `gorowatch serve` with a configuration, whose relative paths are relative
// to dir, and further flags. Its bucket is a folder of the test, which is deleted afterwards,
// unless the flags name another.
func StartGorowatch(t testing.TB, dir, config string, flags ...string) *Gorowatch {
	t.Helper()
	return StartGorowatchBy(t, dir, config, nil, flags...)
}

// StartGorowatchBy is StartGorowatch by a command that replaces itself by its arguments, such
// as env.
func StartGorowatchBy(t testing.TB, dir, config string, by []string, flags ...string) *Gorowatch {
	t.Helper()
	file := filepath.Join(dir, "gorowatch.yml")
	write(t, file, config)
	if !slices.ContainsFunc(flags, func(f string) bool { return strings.HasPrefix(f, "--storage.url=") }) {
		flags = append(flags, "--storage.url=file://"+filepath.ToSlash(t.TempDir()))
	}
	command := append(slices.Clone(by),
		built(t, buildGorowatch, "gorowatch"),
		"serve",
		"--config.file="+file,
		"--web.listen-address=127.0.0.1:0",
	)
	p := Start(t, "gorowatch", command[0], append(command[1:], flags...)...)
	return &Gorowatch{Program: p, URL: "http://" + p.WaitFor(t, listening)[1]}
}

// WaitReady waits until the first evaluation is done.
func (g *Gorowatch) WaitReady(t testing.TB) {
	t.Helper()
	Eventually(t, startTime, "gorowatch is ready", func() error {
		if err := answers(g.URL + "/-/ready"); err != nil {
			_ = g.alive(t)
			return err
		}
		return nil
	})
}

// Metric returns the sum of one of gorowatch's metrics, or the value of one series if name has
// labels.
func (g *Gorowatch) Metric(t testing.TB, name string) float64 { return metric(t, g.URL, name) }

// Target is one of the targets that gorowatch lists.
type Target struct {
	Labels     map[string]string
	URL, State string
	Error      string
	LastPush   string `json:"last_push"`
}

// Targets returns those that gorowatch lists, without those that are gone.
func (g *Gorowatch) Targets(t testing.TB) []Target {
	t.Helper()
	var answer struct{ Data struct{ Targets []Target } }
	getJSON(t, g.URL+"/api/v1/targets", &answer)
	return answer.Data.Targets
}

// metric reads /metrics.
func metric(t testing.TB, url, name string) (sum float64) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true // leave no idle connection behind
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, name); ok && (rest[0] == ' ' || rest[0] == '{') {
			v, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			sum += v
		}
	}
	return sum
}
