package diff

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof"
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
	f, err := os.Open(place)
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
	p, err := pprof.Read(f, info.ModTime(), l.Options.Limits, l.build.Add)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	return p, nil
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
