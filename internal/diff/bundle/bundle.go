package bundle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// ErrNotArchive means that a file is no archive.
var ErrNotArchive = errors.New("it is no archive")

// Read reads a profile; other is true for an error that says that there is none.
type Read func(r io.Reader, modified time.Time) (other bool, err error)

// Split splits "bundle.zip:path/in/it". The member is empty for the path of a file.
func Split(place string) (path, member string) {
	if _, err := os.Stat(place); err == nil {
		return place, ""
	}
	for i := len(place) - 1; i > 1; i-- {
		if place[i] != ':' {
			continue
		}
		if info, err := os.Stat(place[:i]); err == nil && info.Mode().IsRegular() {
			return place[:i], place[i+1:]
		}
	}
	return place, ""
}

// Open reads the goroutine profile in an archive: the named member, or else the only one that
// probe can read. name is the member's. It returns ErrNotArchive for another file, rewound to
// its beginning.
func Open(f *os.File, member string, probe, read Read) (name string, err error) {
	k, err := kindOf(f)
	switch {
	case err != nil:
		return "", err
	case k == noArchive && member != "":
		return "", fmt.Errorf("there is no %q in it: %w", member, ErrNotArchive)
	case k == noArchive:
		return "", ErrNotArchive
	}
	if member == "" {
		if member, err = choose(f, k, probe); err != nil {
			return "", err
		}
	}
	found := false
	var failed error
	err = walk(f, k, maxBytes, func(name string, modified time.Time, r io.Reader) error {
		if clean(name) != clean(member) {
			return nil
		}
		found = true
		_, failed = read(r, modified)
		return errStop
	})
	switch {
	case failed != nil:
		return member, failed
	case err != nil:
		return member, err
	case !found:
		return member, fmt.Errorf("there is no %q in it; leave the name out to list the members", member)
	}
	return member, nil
}

// clean normalizes a name.
func clean(name string) string { return strings.TrimPrefix(name, "./") }

// choose finds the only goroutine profile.
func choose(f *os.File, k kind, probe Read) (string, error) {
	var profiles, members []string
	var damaged string
	var why error
	err := walk(f, k, maxBytes, func(name string, modified time.Time, r io.Reader) error {
		members = append(members, name)
		other, err := probe(r, modified)
		switch {
		case errors.Is(err, errTooLarge):
			return err
		case err == nil:
			profiles = append(profiles, name)
		case !other && why == nil:
			damaged, why = name, err
		}
		return nil
	})
	if _, e := f.Seek(0, io.SeekStart); err == nil {
		err = e
	}
	switch {
	case err != nil:
		return "", err
	case len(profiles) == 1:
		return profiles[0], nil
	case len(profiles) > 1:
		return "", fmt.Errorf("it holds %[1]d goroutine profiles: %[2]s; name one, as in %[3]s:%[4]s, or add up those that match a pattern, as in '%[3]s:*'", len(profiles), list(profiles), f.Name(), profiles[0])
	case why != nil:
		return "", fmt.Errorf("%s: %w", damaged, why)
	case len(members) == 0:
		return "", errors.New("it is an empty archive")
	}
	return "", fmt.Errorf("no goroutine profile is among its %d files: %s", len(members), list(members))
}

// list joins some of the names, sorted.
func list(names []string) string {
	const most = 12
	names = slices.Clone(names)
	slices.Sort(names)
	for i, name := range names {
		names[i] = printable(name)
	}
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// printable removes what terminals act upon from a name.
func printable(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, name)
	if len(name) > 100 {
		name = name[:97] + "…"
	}
	return name
}
