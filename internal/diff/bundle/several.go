package bundle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// IsPattern reports whether a member is a pattern, such as pods/*.txt, that selects several.
func IsPattern(member string) bool { return strings.ContainsAny(member, "*?[") }

// ReadAll is like Read for one of several members.
type ReadAll func(name string, r io.Reader, modified time.Time) error

// OpenAll reads all goroutine profiles whose names match a pattern: that of the whole path, or
// of its last element if the pattern has no slash. It returns their names, and the names that
// match and are no profiles. A profile that cannot be read is an error.
func OpenAll(f *os.File, pattern string, probe Read, read ReadAll) (names, others []string, err error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, nil, fmt.Errorf("%q is no pattern: %w", pattern, err)
	}
	k, err := kindOf(f)
	switch {
	case err != nil:
		return nil, nil, err
	case k == noArchive:
		return nil, nil, fmt.Errorf("there is no %q in it: %w", pattern, ErrNotArchive)
	}
	err = walk(f, k, maxBytes, func(name string, modified time.Time, r io.Reader) error {
		if !matches(pattern, clean(name)) {
			return nil
		}
		other, err := probe(r, modified)
		switch {
		case errors.Is(err, errTooLarge):
			return err
		case err == nil:
			names = append(names, name)
		case other:
			others = append(others, name)
		default:
			return fmt.Errorf("%s: %w", printable(name), err)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("no goroutine profile in it matches %q; leave the pattern out to list the members", pattern)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	err = walk(f, k, maxBytes, func(name string, modified time.Time, r io.Reader) error {
		if !slices.Contains(names, name) {
			return nil
		}
		if err := read(name, r, modified); err != nil {
			return fmt.Errorf("%s: %w", printable(name), err)
		}
		return nil
	})
	return names, others, err
}

func matches(pattern, name string) bool {
	if !strings.Contains(pattern, "/") {
		name = path.Base(name)
	}
	ok, _ := path.Match(pattern, name)
	return ok
}
