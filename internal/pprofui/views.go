package pprofui

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/google/pprof/driver"
	"github.com/google/pprof/profile"

	"github.com/gorowatch/gorowatch/collector"
)

// Views are the views that are served, by the name in their path.
var Views = []string{"flamegraph", "top", "peek"}

// parameters are the allowed parameters of a view: what to focus on, to hide, to sort by.
// Others reach into the process.
var parameters = []string{"f", "i", "h", "s", "sf", "p", "si", "rel", "calls", "g", "noinlines", "compact", "n", "nf", "ef", "trim"}

// pprof's pages hold the whole profile, several times. These bound its stacks, the number of
// their frames, and the bytes of the names of functions and files.
const (
	maxSamples   = 20_000
	maxFrames    = 1_000_000
	maxNameBytes = 16 << 20
)

// ErrTooLarge means that a profile has more than a page can show.
var ErrTooLarge = errors.New("pprofui: too large to show")

// setUp guards pprof's set-up, which uses variables of its package.
var setUp sync.Mutex

// New makes the handlers of the views of the difference between head and base, by name. base
// may be nil.
func New(base, head *collector.Profile) (map[string]http.Handler, error) {
	profiles := map[string]*profile.Profile{}
	args := []string{"-http=localhost:0", "-no_browser", "-symbolize=none"}
	for name, p := range map[string]*collector.Profile{"base": base, "head": head} {
		if p == nil {
			continue
		}
		converted, err := Convert(p)
		if err != nil {
			return nil, fmt.Errorf("pprofui: %s: %w", name, err)
		}
		profiles[name] = converted
	}
	if base != nil {
		args = append(args, "-base=base")
	}
	args = append(args, "head")

	setUp.Lock()
	defer setUp.Unlock()
	// pprof asks for its user's settings folder. A user without one has no settings, which must
	// not fail the page.
	if _, err := os.UserConfigDir(); err != nil {
		if err := os.Setenv("XDG_CONFIG_HOME", "/nonexistent"); err != nil {
			return nil, fmt.Errorf("pprofui: %w", err)
		}
		defer os.Unsetenv("XDG_CONFIG_HOME")
	}
	var all map[string]http.Handler
	err := driver.PProf(&driver.Options{
		Flagset: &flags{FlagSet: flag.NewFlagSet("pprof", flag.ContinueOnError), args: args},
		Fetch:   fetcher(profiles),
		Sym:     noSymbols{},
		Obj:     noObjects{},
		UI:      silent{},
		Writer:  noFiles{},
		HTTPServer: func(a *driver.HTTPServerArgs) error {
			all = a.Handlers
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("pprofui: %w", err)
	}
	out := map[string]http.Handler{}
	for _, view := range Views {
		h, ok := all["/"+view]
		if !ok {
			return nil, fmt.Errorf("pprofui: pprof has no view %s", view)
		}
		out[view] = allowed(h)
	}
	return out, nil
}

// allowed removes the parameters that are not listed.
func allowed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		maps.DeleteFunc(query, func(name string, _ []string) bool { return !slices.Contains(parameters, name) })
		r = r.Clone(r.Context())
		r.URL = &url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
		next.ServeHTTP(w, r)
	})
}

// Convert makes a profile for pprof. It has no mappings, because there is no program to look
// into.
func Convert(p *collector.Profile) (*profile.Profile, error) {
	if len(p.Records) > maxSamples {
		return nil, fmt.Errorf("%w: %d stacks, expected at most %d", ErrTooLarge, len(p.Records), maxSamples)
	}
	out := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "goroutine", Unit: "count"}},
		PeriodType: &profile.ValueType{Type: "goroutine", Unit: "count"},
		Period:     1,
		TimeNanos:  p.Time.UnixNano(),
	}
	functions, locations := map[[2]string]*profile.Function{}, map[collector.Frame]*profile.Location{}
	frames, names := 0, 0
	for _, r := range p.Records {
		if frames += len(r.Frames); frames > maxFrames {
			return nil, fmt.Errorf("%w: more than %d frames", ErrTooLarge, maxFrames)
		}
		s := &profile.Sample{Value: []int64{r.Count}}
		for _, f := range r.Frames {
			loc := locations[*f]
			if loc == nil {
				fn := functions[[2]string{f.Func, f.File}]
				if fn == nil {
					if names += len(f.Func) + len(f.File); names > maxNameBytes {
						return nil, fmt.Errorf("%w: more than %d bytes of names", ErrTooLarge, maxNameBytes)
					}
					fn = &profile.Function{ID: uint64(len(functions) + 1), Name: collector.ReadableFunc(f.Func), SystemName: collector.ReadableFunc(f.Func), Filename: f.File}
					functions[[2]string{f.Func, f.File}] = fn
					out.Function = append(out.Function, fn)
				}
				loc = &profile.Location{ID: uint64(len(locations) + 1), Address: uint64(len(locations) + 1), Line: []profile.Line{{Function: fn, Line: int64(f.Line)}}}
				locations[*f] = loc
				out.Location = append(out.Location, loc)
			}
			s.Location = append(s.Location, loc)
		}
		out.Sample = append(out.Sample, s)
	}
	return out, out.CheckValid()
}

// fetcher has the profiles by their names on the command line. It names no source for any of
// them: pprof would store a copy in a file.
type fetcher map[string]*profile.Profile

func (f fetcher) Fetch(name string, _, _ time.Duration) (*profile.Profile, string, error) {
	if p, ok := f[name]; ok {
		return p, "", nil
	}
	return nil, "", fmt.Errorf("no profile %q", name)
}

// flags are a command line other than the process's.
type flags struct {
	*flag.FlagSet
	args []string
}

func (f *flags) StringList(name, def, usage string) *[]*string {
	list := &[]*string{}
	f.Func(name, usage, func(v string) error {
		*list = append(*list, &v)
		return nil
	})
	if def != "" {
		*list = append(*list, &def)
	}
	return list
}

func (f *flags) ExtraUsage() string   { return "" }
func (f *flags) AddExtraUsage(string) {}

func (f *flags) Parse(func()) []string {
	f.SetOutput(io.Discard)
	if err := f.FlagSet.Parse(f.args); err != nil {
		return nil
	}
	return f.Args()
}

var errOff = errors.New("is off")

type noSymbols struct{}

func (noSymbols) Symbolize(string, driver.MappingSources, *profile.Profile) error { return nil }

type noObjects struct{}

func (noObjects) Open(string, uint64, uint64, uint64, string) (driver.ObjFile, error) {
	return nil, errOff
}
func (noObjects) Disasm(string, uint64, uint64, bool) ([]driver.Inst, error) { return nil, errOff }

type noFiles struct{}

func (noFiles) Open(string) (io.WriteCloser, error) { return nil, errOff }

// silent is a terminal without a user.
type silent struct{}

func (silent) ReadLine(string) (string, error)     { return "", io.EOF }
func (silent) Print(...any)                        {}
func (silent) PrintErr(...any)                     {}
func (silent) IsTerminal() bool                    { return false }
func (silent) WantBrowser() bool                   { return false }
func (silent) SetAutoComplete(func(string) string) {}
