package archive

import (
	"context"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/leak"
)

// ServiceProfiles lists the profiles of all instances of a service, gone ones too, that were
// taken in [from, to], oldest first. As in Profiles, their Total is 0.
func (a *Archive) ServiceProfiles(ctx context.Context, service labels.Labels, from, to time.Time) ([]leak.ProfileRef, error) {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	prefix := a.folder(service)
	var out []leak.ProfileRef
	for key, err := range a.list(ctx, prefix) {
		if err != nil {
			return nil, a.count(opListProfiles, err)
		}
		taken, ok := takenAt(key)
		// Deeper keys belong to a service with more labels.
		if !ok || taken.Before(from) || taken.After(to) || strings.Count(key[len(prefix):], "/") != 1 {
			continue
		}
		out = append(out, leak.ProfileRef{Key: key, Instance: instanceOf(key), Time: taken})
	}
	slices.SortStableFunc(out, func(a, b leak.ProfileRef) int { return a.Time.Compare(b.Time) })
	return out, a.count(opListProfiles, nil)
}

// instanceOf returns the instance in the key of a profile.
func instanceOf(key string) string {
	s := path.Base(path.Dir(key))
	if s == "_" {
		return ""
	}
	if name, err := url.PathUnescape(s); err == nil {
		return name
	}
	return s
}
