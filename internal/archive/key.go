package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

const (
	profilesPrefix = "profiles/"
	leaksPrefix    = "leaks/"
	asidePrefix    = "aside/"
	suffix         = ".pb.gz"
	dumpSuffix     = ".debug2.txt.gz"
	temporary      = ".tmp" // a file that is being written
	timeFormat     = "20060102T150405Z"

	// Names of files have at most 255 bytes everywhere, keys of buckets 1,024.
	maxSegment = 255
	maxFolders = 960 // of a profile's key, all together
)

// segment escapes a value as one segment of a key, of at most longest bytes. A hash replaces
// the end of a longer value.
func segment(value string, longest int) string {
	switch value {
	case "":
		return "_"
	case "_": // which would look like an empty one
		return "%5F"
	case ".", "..":
		return strings.ReplaceAll(value, ".", "%2E")
	}
	s := url.PathEscape(value)
	if len(s) <= longest {
		return s
	}
	hash := sha256.Sum256([]byte(value))
	end := "~" + hex.EncodeToString(hash[:8])
	s = s[:longest-len(end)]
	if i := strings.LastIndexByte(s, '%'); i >= 0 && i > len(s)-3 { // half of an escape
		s = s[:i]
	}
	return s + end
}

// documentKey returns the key of the document with an id.
func documentKey(prefix, id string) string {
	const end = ".json"
	return prefix + segment(id, maxSegment-len(end)) + end
}

// isProfile reports whether a key may be that of a profile or a dump. It rejects dots that
// could lead out of the folder.
func isProfile(key string) bool {
	kind := strings.HasSuffix(key, suffix) || strings.HasSuffix(key, dumpSuffix)
	return kind && strings.HasPrefix(key, profilesPrefix) && path.Clean(key) == key
}

// longest returns the length that each segment of a profile's key may have, one for each group
// label and one for the instance.
func (a *Archive) longest() int {
	return min(maxSegment, maxFolders/(len(*a.groupBy.Load())+1)-1)
}

// folder returns the key of a service's profiles.
func (a *Archive) folder(service labels.Labels) string {
	var b strings.Builder
	b.WriteString(profilesPrefix)
	for _, name := range *a.groupBy.Load() {
		b.WriteString(segment(service.Get(name), a.longest()))
		b.WriteByte('/')
	}
	return b.String()
}

// prefix returns the prefix of an instance's profiles.
func (a *Archive) prefix(service labels.Labels, instance string) string {
	return a.folder(service) + segment(instance, a.longest()) + "/"
}

// takenAt returns the time in the key of a profile.
func takenAt(key string) (time.Time, bool) { return timeIn(key, suffix) }

// timeIn returns the time in a key with the suffix.
func timeIn(key, suffix string) (time.Time, bool) {
	name, ok := strings.CutSuffix(path.Base(key), suffix)
	if !ok {
		return time.Time{}, false
	}
	t, err := time.Parse(timeFormat, name)
	return t, err == nil
}
