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
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/internal/diff/bundle"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// Loader reads profiles into snapshots. One Loader for the profiles that are
// compared keeps once what they have in common.
type Loader struct {
	// Client makes the requests for URLs. Default http.DefaultClient.
	Client *http.Client
	// Options bound what a profile may cost.
	Options pprof.Options

	build *stack.Builder
}

// Load reads the profile at place: an http or https URL (of a server alone, its
// /debug/pprof/goroutine), gops://host:port for a gops agent, or else a file.
// Errors name the place.
func (l *Loader) Load(ctx context.Context, place string) (*stack.Snapshot, error) {
	if l.build == nil {
		l.build = stack.NewBuilder()
	}
	p, err := l.read(ctx, place)
	if err != nil {
		// The builder has counted a part, which must not be taken for the
		// next profile's.
		l.build = nil
		return nil, err
	}
	return l.build.Snapshot(p), nil
}

func (l *Loader) read(ctx context.Context, place string) (*collector.Profile, error) {
	if u, ok := asURL(place); ok {
		if u.Scheme == "gops" {
			return pprof.New(l.Options).ReadGops(ctx, u, l.build.Add)
		}
		return pprof.New(l.Options).Read(ctx, cmp.Or(l.Client, http.DefaultClient), u, l.build.Add)
	}
	return l.readFile(place)
}

// readFile reads the profile in a file, which may be one in an archive. What is said of
// a member is said of the archive with its name.
func (l *Loader) readFile(place string) (*collector.Profile, error) {
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
	lim := fileLimits(l.Options.Limits)
	var p *collector.Profile
	name, err := bundle.Open(f, member, probe(lim), func(r io.Reader, modified time.Time) (bool, error) {
		var err error
		p, err = pprof.Read(r, modified, lim, l.build.Add)
		return false, err
	})
	switch {
	case err == nil:
		p.ReadAs = strings.TrimSuffix(fmt.Sprintf("%s of the archive; %s", name, p.ReadAs), "; ")
	case errors.Is(err, bundle.ErrNotArchive) && member == "":
		p, err = pprof.Read(f, info.ModTime(), lim, l.build.Add)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	return p, nil
}

// fileLimits are the limits for a file. Its size costs no memory, and a pasted dump of a
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

// asURL tells URLs from names of files. Of a server alone it is where
// net/http/pprof has the profile.
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

// show is a place without its secrets.
func show(place string) string {
	if u, ok := asURL(place); ok {
		return collector.RedactURL(u)
	}
	return place
}
