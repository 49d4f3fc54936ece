// Package layout tests the design of the packages: who may import whom, and what some never
// touch.
package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const module = "github.com/gorowatch/gorowatch/"

// mayImport lists which of our packages each of them may import. Data flow down this list and
// never back up; a new package needs a line here.
var mayImport = map[string][]string{
	// All of them compare the starts of processes, and neither the collector nor the trend may
	// import the other, so it is a value below both.
	"internal/procstart": {},
	// The wait before another attempt, from the puller to the webhooks.
	"internal/backoff": {},
	// How sure it was of late that a service leaks: the cycle keeps it, the pages show it.
	"internal/hourly": {},

	"collector":           {"internal/procstart"},
	"collector/signals":   {"collector", "internal/procstart"},
	"collector/fetch":     {"collector"},
	"collector/promapi":   {"collector", "collector/fetch", "collector/promapi/answer", "collector/promapi/apierror", "collector/promapi/client", "collector/promapi/points", "collector/promapi/share", "collector/promapi/versions", "collector/signals", "internal/procstart"},
	"collector/tsdb":      {"collector", "collector/signals"},
	"collector/scrape":    {"collector", "collector/fetch", "collector/signals"},
	"collector/pprof":     {"collector", "collector/fetch", "collector/pprof/bounds", "collector/pprof/dump", "collector/pprof/paste", "collector/pprof/protobuf"},
	"collector/discovery": {"collector", "collector/promapi"},

	"collector/promapi/answer":   {"collector", "collector/promapi/apierror", "collector/promapi/points", "collector/signals"},
	"collector/promapi/apierror": {"collector", "collector/fetch"},
	"collector/promapi/client": {
		"collector", "collector/fetch", "collector/promapi/answer", "collector/promapi/apierror", "collector/promapi/points", "internal/backoff",
	},
	"collector/promapi/points":   {},
	"collector/promapi/share":    {},
	"collector/promapi/versions": {},

	"collector/pprof/bounds":   {"collector"},
	"collector/pprof/protobuf": {"collector", "collector/pprof/bounds"},
	"collector/pprof/dump":     {"collector", "collector/pprof/bounds", "collector/pprof/paste"},
	"collector/pprof/paste":    {"collector", "collector/pprof/bounds"},

	"trend":                  {"internal/procstart", "trend/internal/lives", "trend/internal/odds", "trend/internal/stat"},
	"trend/internal/lives":   {"trend/internal/stat"},
	"trend/internal/odds":    {"trend/internal/stat"},
	"trend/internal/stat":    {},
	"internal/human":         {},
	"internal/origin":        {},
	"internal/stack":         {"collector", "internal/origin", "internal/stack/explain"},
	"internal/stack/explain": {},
	"leak":                   {"collector", "trend"},

	"internal/leak/attribution": {"collector", "leak", "internal/stack", "trend"},
	"internal/leak/lifecycle":   {"collector", "trend", "leak", "internal/leak/attribution", "internal/procstart", "internal/stack"},

	// Whether the goroutines of a leak stay.
	"internal/leak/survival": {"leak", "internal/human", "internal/leak/attribution", "internal/leak/lifecycle", "internal/stack"},

	"internal/monitor/fleet":   {"collector", "trend", "internal/procstart"},
	"internal/monitor/journal": {"leak", "trend"},
	"internal/monitor/totals":  {"collector", "internal/monitor/fleet"},
	"internal/monitor/reading": {"collector", "internal/monitor/journal"},
	"internal/monitor/surge":   {"trend"},
	"internal/monitor/pulling": {"collector", "internal/backoff"},
	"internal/monitor/profiling": {
		"collector", "trend", "internal/human", "leak", "internal/leak/attribution", "internal/leak/lifecycle", "internal/leak/survival",
		"internal/monitor/fleet", "internal/ondemand", "internal/stack",
	},

	"internal/monitor/callers": {"collector", "leak", "internal/leak/attribution", "internal/leak/lifecycle", "internal/stack"},

	"internal/ondemand": {"leak"},
	"internal/triage":   {},
	"internal/archive":  {"collector", "internal/ondemand", "internal/stack", "internal/triage", "leak"},
	"internal/monitor/watch": {
		"collector", "trend", "leak", "internal/hourly", "internal/leak/attribution", "internal/leak/lifecycle", "internal/monitor/callers", "internal/monitor/fleet", "internal/monitor/profiling", "internal/monitor/surge",
	},
	"internal/monitor/enrich": {"collector", "internal/monitor/fleet", "internal/monitor/journal", "internal/monitor/watch"},
	"internal/monitor": {
		"collector", "trend", "leak", "internal/hourly", "internal/leak/lifecycle", "internal/ondemand", "internal/stack",
		"internal/monitor/callers", "internal/monitor/enrich", "internal/monitor/journal", "internal/monitor/profiling", "internal/monitor/reading", "internal/monitor/totals", "internal/monitor/watch",
	},
	// Leaks that were reported in public: known has the list, internal/known reads it.
	"known":          {},
	"internal/known": {"collector", "internal/origin", "internal/stack", "known", "leak"},

	"alerting": {"internal/human", "internal/known", "internal/stack", "leak"},

	"alerting/internal/notice":       {"alerting", "leak"},
	"alerting/internal/post":         {"collector", "collector/fetch", "internal/backoff", "internal/human"},
	"alerting/internal/alertmanager": {"alerting", "alerting/internal/post", "internal/backoff"},
	"alerting/internal/webhook":      {"alerting", "alerting/internal/notice", "alerting/internal/post", "leak"},
	"alerting/notify": {
		"alerting", "alerting/internal/alertmanager", "alerting/internal/notice", "alerting/internal/post", "alerting/internal/webhook",
		"internal/backoff", "leak",
	},
	// Only tests import it.
	"alerting/internal/leaktest": {"collector", "leak", "trend"},

	"internal/kubeevents": {"alerting", "internal/human", "leak"},

	"internal/api/v1":       {"collector", "trend", "internal/human", "internal/known", "leak", "internal/stack"},
	"internal/api/client":   {"collector", "collector/fetch", "internal/human"},
	"internal/web/calltree": {"collector", "internal/api/v1", "internal/human", "internal/stack"},
	"internal/web/envelope": {},

	"internal/web/hostcheck": {},

	"internal/web/inbound": {"alerting", "internal/human", "internal/web/envelope", "internal/web/hostcheck"},
	"internal/web/query":   {"internal/human", "leak"},
	"internal/web/view": {
		"alerting", "collector", "collector/signals", "trend",
		"internal/api/v1", "internal/hourly", "internal/human", "internal/ondemand", "internal/stack", "internal/triage", "internal/web/query", "leak",
	},
	"internal/web/apiv1": {
		"alerting", "collector", "trend",
		"internal/api/v1", "internal/human", "internal/ondemand", "internal/pprofui", "internal/procstart", "internal/stack", "internal/triage", "leak",
		"internal/canary", "internal/web/calltree", "internal/web/envelope", "internal/web/export", "internal/web/query", "internal/web/view",
	},
	"internal/web/actions": {"alerting", "collector", "internal/forge", "internal/human", "internal/web/query", "internal/web/view", "leak"},
	"internal/web/help":    {"docs"},
	"internal/web/heatmap": {"internal/hourly"},
	"internal/web/listing": {"internal/human", "internal/web/query"},
	"internal/web/setup":   {"alerting", "collector/signals", "internal/api/v1", "internal/human", "internal/web/view"},
	"internal/web/spark":   {"internal/human", "trend"},
	"internal/canary":      {"internal/human"},
	"internal/mcp":         {"docs", "alerting", "internal/api/client", "internal/api/v1", "internal/human", "leak", "trend"},
	"internal/web/times":   {},
	"internal/web/why":     {"alerting", "internal/api/v1", "internal/human", "internal/web/view", "leak", "trend"},
	"internal/web/export":  {"collector", "internal/human", "internal/pprofui"},
	"internal/web/pages": {
		"alerting", "collector", "collector/signals", "trend",
		"internal/api/v1", "internal/human", "leak", "internal/pprofui", "internal/stack", "internal/triage",
		"internal/web/actions", "internal/web/export", "internal/web/heatmap", "internal/web/help", "internal/web/listing", "internal/web/query", "internal/web/setup", "internal/web/spark", "internal/web/times", "internal/web/view", "internal/web/why",
	},
	"internal/web": {
		"internal/mcp", "internal/web/apiv1", "internal/web/envelope", "internal/web/hostcheck", "internal/web/inbound", "internal/web/pages", "internal/web/view",
	},
	"internal/pictures": {"alerting", "collector", "internal/human", "internal/web/view", "leak"},
	"internal/pprofui":  {"collector"},

	"internal/push": {"collector", "collector/discovery", "collector/pprof", "internal/human", "internal/monitor/profiling"},

	// The commits of a file, from a Git forge.
	"internal/forge": {"collector", "collector/fetch", "internal/human"},

	"internal/config": {"collector/signals", "internal/forge", "internal/human"},

	"internal/connections": {},

	"internal/sidelistener": {"internal/connections"},

	"internal/shard": {},

	"internal/grouping": {},
	"internal/scan": {
		"alerting", "collector", "collector/promapi", "collector/signals", "collector/tsdb", "trend",
		"internal/api/v1", "internal/archive", "internal/backoff", "internal/grouping", "internal/human", "internal/known", "leak", "internal/monitor", "internal/ondemand", "internal/procstart", "internal/stack",
	},
	"internal/check": {"collector", "collector/pprof", "internal/backoff", "internal/diff", "internal/human", "internal/stack", "leak"},
	"internal/diff":  {"collector", "collector/pprof", "internal/api/v1", "internal/diff/bundle", "internal/human", "internal/known", "internal/stack"},

	"internal/diff/bundle": {},

	"internal/convert": {"collector", "internal/diff", "internal/human"},
	"internal/app":     {"*"},

	"internal/app/links": {"alerting", "internal/config", "internal/forge", "internal/web/actions"},

	"internal/demo": {"alerting", "internal/app", "internal/config", "internal/human", "leak", "trend"},
	"cmd/gorowatch": {"*"},

	"deploy": {},
	"docs":   {},

	"docs/site": {"docs", "internal/web/help"},
}

// aboveApp are those that may import internal/app.
var aboveApp = []string{"cmd/gorowatch", "internal/demo"}

// heavy are packages that cost megabytes and minutes of building. Only main imports them, so
// that commands and tests without a need for them are spared.
var heavy = []string{
	"gocloud.dev/blob/s3blob",
	"gocloud.dev/blob/gcsblob",
	"gocloud.dev/blob/azureblob",
	"github.com/prometheus/prometheus/discovery",
	"github.com/miekg/dns",
	"github.com/hashicorp",
	"github.com/prometheus/prometheus/tsdb",
	"github.com/prometheus/prometheus/storage/remote",
	"github.com/prometheus/sigv4",
	"github.com/aws/aws-sdk-go-v2",
	"github.com/Azure/azure-sdk-for-go",
	"cloud.google.com/go/storage",
	"k8s.io/api",
	"k8s.io/client-go/kubernetes",
	"k8s.io/client-go/rest",
}

// mayBeHeavy are the packages besides main that need one of them. Only main imports these.
var mayBeHeavy = map[string]string{
	"collector/tsdb": "github.com/prometheus/prometheus/tsdb",
}

// weightless are light parts of heavy packages: the parser of PromQL needs them, or mechanisms
// of service discovery register themselves with them.
var weightless = []string{
	"github.com/prometheus/prometheus/discovery",
	"github.com/prometheus/prometheus/discovery/targetgroup",
	"github.com/prometheus/prometheus/tsdb/chunkenc",
	"github.com/prometheus/prometheus/tsdb/chunks",
	"github.com/prometheus/prometheus/tsdb/fileutil",
}

// pure are the packages that get everything passed in, time too.
var pure = []string{"trend", "internal/hourly", "internal/procstart", "internal/origin", "internal/stack", "internal/stack/explain", "leak", "internal/leak/attribution", "internal/leak/lifecycle", "internal/leak/survival", "internal/monitor/fleet", "internal/monitor/surge"}

// impure are imports that give a package more than it was passed.
var impure = []string{"context", "io/fs", "log", "log/slog", "math/rand", "net", "net/http", "os", "os/exec", "syscall"}

// timeless are the packages that never read the clock: the pure ones, and the cycle that the
// daemon and a scan share, which measures once how long it took.
var timeless = map[string][]string{
	"trend":                  nil,
	"internal/hourly":        nil,
	"internal/procstart":     nil,
	"internal/origin":        nil,
	"internal/stack":         nil,
	"internal/stack/explain": nil,
	"leak":                   nil,

	"internal/leak/attribution": nil,
	"internal/leak/lifecycle":   nil,
	"internal/leak/survival":    nil,

	"internal/monitor":         {"Now", "Since"},
	"internal/monitor/callers": nil,
	"internal/monitor/enrich":  nil,
	"internal/monitor/fleet":   nil,
	"internal/monitor/journal": nil,
	"internal/monitor/reading": nil,
	"internal/monitor/surge":   nil,
	"internal/monitor/watch":   nil,

	"internal/monitor/profiling": nil,
	// It measures how long a target took.
	"internal/monitor/pulling": {"Now", "Since"},
}

// pkg is a package in the output of go list.
type pkg struct {
	Dir        string
	ImportPath string
	Imports    []string
	Deps       []string
	GoFiles    []string
}

// ours returns the packages of the product, by their path within the module.
// flags are those of go list.
func ours(t *testing.T, flags ...string) map[string]pkg {
	t.Helper()
	list := exec.Command("go", append([]string{"list", "-json=Dir,ImportPath,Imports,Deps,GoFiles"}, append(flags, module+"...")...)...)
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	require.NoError(t, err, stderr.String())
	pkgs := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if name := strings.TrimPrefix(p.ImportPath, module); !under(name, "test") && len(p.GoFiles) > 0 {
			pkgs[name] = p
		}
	}
	require.Contains(t, pkgs, "cmd/gorowatch")
	return pkgs
}

func TestImportsFlowDown(t *testing.T) {
	for name, p := range ours(t) {
		allowed, listed := mayImport[name]
		if !listed && !isFixture(name) {
			t.Errorf("%s: a new package: add it to the table with what it may import", name)
		}
		for _, imported := range p.Imports {
			of, isOurs := strings.CutPrefix(imported, module)
			if !isOurs {
				continue
			}
			switch {
			case of == "internal/app" && !slices.Contains(aboveApp, name),
				of == "internal/config" && name != "internal/app" && !strings.HasPrefix(name, "internal/app/") && !slices.Contains(aboveApp, name),
				under(of, "cmd"), under(of, "test"):
				t.Errorf("%s imports %s: nothing below internal/app may", name, of)
			case !slices.Contains(allowed, of) && !slices.Contains(allowed, "*"):
				t.Errorf("%s imports %s, may import: %s", name, of, strings.Join(allowed, ", "))
			}
		}
	}
}

func TestOnlyMainLinksWhatIsHeavy(t *testing.T) {
	for name, p := range ours(t) {
		if name == "cmd/gorowatch" {
			continue
		}
		links := p.Deps
		if _, may := mayBeHeavy[name]; may {
			links = p.Imports
		}
		for _, dep := range links {
			if i := slices.IndexFunc(heavy, func(h string) bool { return under(dep, h) }); i >= 0 &&
				heavy[i] != mayBeHeavy[name] && !slices.Contains(weightless, dep) {
				t.Errorf("%s links %s", name, dep)
			}
		}
	}
}

// The demo is built with the tag slim, so that it runs within minutes of a first clone.
func TestSlimIsSlim(t *testing.T) {
	for _, dep := range ours(t, "-tags=slim")["cmd/gorowatch"].Deps {
		if slices.ContainsFunc(heavy, func(h string) bool { return under(dep, h) }) && !slices.Contains(weightless, dep) {
			t.Errorf("gorowatch with -tags=slim links %s", dep)
		}
	}
}

func TestPureIsPure(t *testing.T) {
	pkgs := ours(t)
	for _, name := range pure {
		for _, imported := range pkgs[name].Imports {
			if slices.Contains(impure, imported) {
				t.Errorf("%s imports %s, but is pure", name, imported)
			}
		}
	}
}

func TestTimeIsPassedIn(t *testing.T) {
	pkgs := ours(t)
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}
	for name, once := range timeless {
		once = slices.Clone(once)
		selectors(t, pkgs[name], "time", func(at token.Position, sel string) {
			if i := slices.Index(once, sel); i >= 0 {
				once = slices.Delete(once, i, i+1)
			} else if slices.Contains(clock, sel) {
				t.Errorf("%s: time.%s, but %s never reads the clock", at, sel, name)
			}
		})
	}
}

// Profiles and variables register themselves on the default mux when they are imported, where
// everybody can read them who reaches a server that serves it. So nothing serves it.
func TestNothingServesTheDefaultMux(t *testing.T) {
	for _, p := range ours(t) {
		selectors(t, p, "http", func(at token.Position, sel string) {
			switch sel {
			case "DefaultServeMux", "Handle", "HandleFunc", "ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS":
				t.Errorf("%s: http.%s is about the default mux", at, sel)
			}
		})
	}
}

// One place decides what a redirect may do with credentials, and how long a server is left
// alone.
func TestHTTPRulesAreInOnePlace(t *testing.T) {
	for name, p := range ours(t) {
		if name == "collector/fetch" {
			continue
		}
		for _, file := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			require.NoError(t, err)
			for _, word := range []string{"CheckRedirect", `"Retry-After"`} {
				if bytes.Contains(text, []byte(word)) {
					t.Errorf("%s/%s has %s: that is the business of collector/fetch", name, file, word)
				}
			}
		}
	}
}

// selectors calls f for everything that the files of p use from a package.
func selectors(t *testing.T, p pkg, of string, f func(at token.Position, name string)) {
	t.Helper()
	for _, file := range p.GoFiles {
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(tree, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == of {
					f(fset.Position(sel.Pos()), sel.Sel.Name)
				}
			}
			return true
		})
	}
}

// isFixture reports whether a package is a program for tests.
func isFixture(name string) bool { return strings.Contains(name, "/testdata/") }

// under reports whether path is root or in it.
func under(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }
