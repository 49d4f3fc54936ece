package diff

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/internal/diff/bundle"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// keepFunc receives a record, which is used again for the next one.
type keepFunc = func(collector.Format, *collector.Record) error

// Loader reads profiles into snapshots. One Loader for several profiles stores once what they
// have in common.
type Loader struct {
	// Client makes the requests for URLs. Default http.DefaultClient.
	Client *http.Client
	// Options bound what a profile may cost.
	Options pprof.Options

	label string // as Options.Label
	build *stack.Builder
	mains *stack.Builder // for the goroutine of main, if the label leaves it out
	split *splitter      // nil: no separation by a label
}

// Load reads the profile at place: an http or https URL (of a server alone, its
// /debug/pprof/goroutine), gops://host:port for a gops agent, or else a file. Errors name the
// place.
func (l *Loader) Load(ctx context.Context, place string) (*stack.Snapshot, error) {
	s, err := l.load(ctx, place)
	return s.all, err
}

// Read passes the records of the profile at place to keep, like pprof.Read, instead of making a
// snapshot.
func (l *Loader) Read(ctx context.Context, place string, keep keepFunc) (*collector.Profile, error) {
	return l.read(ctx, place, keep)
}

// load is Load for a profile that may be separated by a label.
func (l *Loader) load(ctx context.Context, place string) (labelled, error) {
	key, _, filter := splitLabel(l.label)
	if l.build == nil {
		l.build, l.mains = stack.NewBuilder(), stack.NewBuilder()
		if key != "" && !filter {
			l.split = newSplitter(key)
		}
	}
	p, err := l.read(ctx, place, l.keep)
	if err != nil {
		// The builder has counted a part, which must not go into the next profile.
		l.build = nil
		return labelled{}, err
	}
	s := labelled{all: l.build.Snapshot(p), main: l.mains.Snapshot(p)}
	if l.split != nil {
		s.values = l.split.snapshots(p)
	}
	return s, nil
}

// keep counts a record.
func (l *Loader) keep(format collector.Format, rec *collector.Record) error {
	if key, value, filter := splitLabel(l.label); filter {
		if has, ok := rec.Labels[key]; !ok || has != value {
			if !slices.ContainsFunc(rec.Frames, func(f *collector.Frame) bool { return f.Func == "main.main" }) {
				return nil
			}
			return l.mains.Add(format, rec) // it shows whose program this is
		}
	}
	if l.split != nil {
		if err := l.split.add(format, rec); err != nil {
			return err
		}
	}
	return l.build.Add(format, rec)
}

// options returns the options with the label to separate by.
func (l *Loader) options() pprof.Options {
	o := l.Options
	o.Limits.SplitBy, _, _ = splitLabel(l.label)
	return o
}

func (l *Loader) read(ctx context.Context, place string, keep keepFunc) (*collector.Profile, error) {
	if u, ok := asURL(place); ok {
		if u.Scheme == "gops" {
			return pprof.New(l.options()).ReadGops(ctx, u, keep)
		}
		return pprof.New(l.options()).Read(ctx, cmp.Or(l.Client, http.DefaultClient), u, keep)
	}
	return l.readFile(place, keep)
}

// readFile reads the profile in a file: one in an archive, or several that are added up, such
// as those of the pods in a log. Errors about a member name the archive with it.
func (l *Loader) readFile(place string, keep keepFunc) (*collector.Profile, error) {
	path, member := bundle.Split(place)
	f, err := os.Open(path)
	if err != nil {
		return nil, err // names the file
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: it is a folder, not a profile", place)
	}
	lim := fileLimits(l.options().Limits)
	var p *collector.Profile
	if bundle.IsPattern(member) {
		p, err = l.readMembers(f, member, lim, keep)
	} else {
		p, err = l.readOne(f, member, lim, keep)
		if errors.Is(err, bundle.ErrNotArchive) && member == "" {
			p, err = readSources(f, info.ModTime(), lim, keep)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	return p, nil
}

// readOne reads a member of an archive; empty: the only profile in it.
func (l *Loader) readOne(f *os.File, member string, lim pprof.Limits, keep keepFunc) (p *collector.Profile, err error) {
	name, err := bundle.Open(f, member, probe(lim), func(r io.Reader, modified time.Time) (bool, error) {
		var err error
		p, err = pprof.Read(r, modified, lim, keep)
		return false, err
	})
	if err == nil {
		p.ReadAs = strings.TrimSuffix(fmt.Sprintf("%s of the archive; %s", name, p.ReadAs), "; ")
	}
	return p, err
}

// fileLimits returns the limits for a file. Its size costs no memory, and a pasted dump of a
// million goroutines has hundreds of megabytes.
func fileLimits(lim pprof.Limits) pprof.Limits {
	lim.Body = cmp.Or(lim.Body, 2<<30)
	lim.Decoded = cmp.Or(lim.Decoded, 1<<30)
	return lim
}

// probe reads a profile and keeps nothing of it.
func probe(lim pprof.Limits) bundle.Read {
	return func(r io.Reader, modified time.Time) (bool, error) {
		_, err := pprof.Read(r, modified, lim, func(collector.Format, *collector.Record) error { return nil })
		return collector.ReasonOf(err) == collector.ReasonNotProfile, err
	}
}

// asURL distinguishes URLs from file names. For a server alone it adds the usual path of
// net/http/pprof.
func asURL(place string) (*url.URL, bool) {
	scheme, _, ok := strings.Cut(place, "://")
	if !ok || scheme != "http" && scheme != "https" && scheme != "gops" {
		return nil, false
	}
	u, err := url.Parse(place)
	if err != nil || u.Host == "" {
		return nil, false
	}
	if u.Scheme != "gops" && (u.Path == "" || u.Path == "/") {
		u.Path = "/debug/pprof/goroutine"
	}
	return u, true
}

// Show returns a place without its secrets.
func Show(place string) string {
	if u, ok := asURL(place); ok {
		return collector.RedactURL(u)
	}
	return place
}
