package diff

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/internal/diff/bundle"
)

// sum adds up profiles.
type sum struct {
	*collector.Profile
	parts []string // the name of each, and how many goroutines it has
}

// add adds a profile. It must be of the same kind as those before.
func (s *sum) add(name string, p *collector.Profile) error {
	s.parts = append(s.parts, fmt.Sprintf("%s (%d)", name, p.Total))
	if s.Profile == nil {
		s.Profile = p
		return nil
	}
	if p.Kind != s.Kind {
		return fmt.Errorf("%s is a %s profile, others are %s profiles, which cannot be added up: name one", name, p.Kind, s.Kind)
	}
	s.Total += p.Total
	s.Incomplete = s.Incomplete || p.Incomplete
	if p.Time.After(s.Time) {
		s.Time = p.Time
	}
	for _, w := range p.Warnings {
		s.Warnings = append(s.Warnings, name+": "+w)
	}
	return nil
}

// describe says what was added up, and the form of the first one.
func (s *sum) describe(what string) string {
	const most = 12
	parts := s.parts
	more := ""
	if len(parts) > most {
		parts, more = parts[:most], ", …"
	}
	form, _, _ := strings.Cut(s.ReadAs, ";") // the rest is only about the first one
	return strings.TrimPrefix(fmt.Sprintf("%s; %d %s added up: %s%s", form, len(s.parts), what, strings.Join(parts, ", "), more), "; ")
}

// readMembers adds up the profiles of an archive whose names match a pattern.
func (l *Loader) readMembers(f *os.File, pattern string, lim pprof.Limits, keep keepFunc) (*collector.Profile, error) {
	var total sum
	_, others, err := bundle.OpenAll(f, pattern, probe(lim), func(name string, r io.Reader, modified time.Time) error {
		p, err := pprof.Read(r, modified, lim, keep)
		if err != nil {
			return err
		}
		return total.add(name, p)
	})
	if err != nil {
		return nil, err
	}
	if len(others) > 0 {
		total.Warnings = append(total.Warnings, fmt.Sprintf("%d files of the archive that match %q are no goroutine profiles, such as %s", len(others), pattern, others[0]))
	}
	total.ReadAs = total.describe("profiles of the archive")
	return total.Profile, nil
}

// maxSources bounds the sources of a log, each of which takes a pass.
const maxSources = 100

// readSources adds up the dumps of all sources of a log, or reads those of one. Most files have
// one dump, and are read once.
func readSources(f *os.File, modified time.Time, lim pprof.Limits, keep keepFunc) (*collector.Profile, error) {
	p, err := pprof.Read(f, modified, lim, keep)
	if lim.Source != "" && collector.ReasonOf(err) == collector.ReasonNotProfile {
		return nil, noSource(f, modified, lim, err)
	}
	if err != nil {
		return nil, err
	}
	if p.OtherSource == "" {
		choseSource(f, modified, lim, p)
		return p, nil
	}
	var total sum
	dropNote(p)
	if err := total.add(sourceName(p.Source), p); err != nil {
		return nil, err
	}
	lim.SkipSources = []string{p.Source}
	for other := p.OtherSource; other != "" && len(lim.SkipSources) < maxSources; {
		// A probe first, so that the part of a dump before an error does not count.
		p, err := readAgain(f, modified, lim, func(collector.Format, *collector.Record) error { return nil })
		if collector.ReasonOf(err) == collector.ReasonNotProfile {
			break // the text there is no dump
		}
		if err != nil {
			total.Warnings = append(total.Warnings, fmt.Sprintf("the dump behind %q cannot be read, so its goroutines are missing: %s", sourceName(other), err))
			if strings.TrimSpace(other) == "" {
				other = "" // one without a prefix
			}
			lim.SkipSources = append(lim.SkipSources, other)
			other = "unknown"
			continue
		}
		if p.Kind != total.Kind {
			return nil, total.add(sourceName(p.Source), p)
		}
		if p, err = readAgain(f, modified, lim, keep); err != nil {
			return nil, err
		}
		dropNote(p)
		if err := total.add(sourceName(p.Source), p); err != nil {
			return nil, err
		}
		if slices.Contains(lim.SkipSources, p.Source) {
			break
		}
		lim.SkipSources = append(lim.SkipSources, p.Source)
		other = p.OtherSource
	}
	if len(lim.SkipSources) >= maxSources {
		total.Warnings = append(total.Warnings, fmt.Sprintf("the log has dumps of more than %d sources; those after them are missing", maxSources))
	}
	total.ReadAs = total.describe("sources of the log")
	choseSource(f, modified, lim, total.Profile)
	return total.Profile, nil
}

// readAgain reads a file from its beginning.
func readAgain(f *os.File, modified time.Time, lim pprof.Limits, keep keepFunc) (*collector.Profile, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return pprof.Read(f, modified, lim, keep)
}

// sourcesOf returns the sources of a log that have dumps.
func sourcesOf(f *os.File, modified time.Time, lim pprof.Limits) (names []string) {
	lim.Source, lim.SkipSources = "", nil
	for len(names) < maxSources {
		p, err := readAgain(f, modified, lim, func(collector.Format, *collector.Record) error { return nil })
		if err != nil {
			return names
		}
		names = append(names, sourceName(p.Source))
		if p.OtherSource == "" || slices.Contains(lim.SkipSources, p.Source) {
			return names
		}
		lim.SkipSources = append(lim.SkipSources, p.Source)
	}
	return names
}

// noSource is the error for a source without a dump, with the sources that exist.
func noSource(f *os.File, modified time.Time, lim pprof.Limits, why error) error {
	names := sourcesOf(f, modified, lim)
	switch {
	case len(names) == 0:
		return why
	case len(names) == 1 && names[0] == bareSource:
		return fmt.Errorf("no dump has the prefix %q: leave --pod out", lim.Source)
	}
	return fmt.Errorf("no dump has the prefix %q; the prefixes are %s", lim.Source, strings.Join(names, ", "))
}

// choseSource names the other sources in the log.
func choseSource(f *os.File, modified time.Time, lim pprof.Limits, p *collector.Profile) {
	if lim.Source == "" {
		return
	}
	if p.Source == "" {
		p.Warnings = append(p.Warnings, "it is no log whose lines begin with their sources, so all of it is read in spite of --pod")
		return
	}
	left := slices.DeleteFunc(sourcesOf(f, modified, lim), func(name string) bool { return strings.Contains(name, lim.Source) })
	if len(left) > 0 {
		p.ReadAs = strings.TrimPrefix(fmt.Sprintf("%s; left out by --pod: %s", p.ReadAs, strings.Join(left, ", ")), "; ")
	}
}

// dropNote drops the warning that other sources are not read.
func dropNote(p *collector.Profile) {
	p.Warnings = slices.DeleteFunc(p.Warnings, func(w string) bool { return strings.HasPrefix(w, pprof.OtherSources) })
}

const bareSource = "no prefix"

// sourceName returns a source for people.
func sourceName(source string) string {
	if source = strings.TrimSpace(source); source == "" {
		return bareSource
	}
	if len(source) > 60 {
		source = source[:60] + "…"
	}
	return source
}
