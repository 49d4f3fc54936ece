package actions

import (
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/forge"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/leak"
)

// Changes are the possible causes of a leak: the changes between the version that it began with
// and the one before.
type Changes struct {
	// Version is the version that the leak began with, Previous the one before; empty: not
	// known.
	Version, Previous string
	// Compare is the link to the comparison of both; empty: there is none.
	Compare string
	// File is the file of the leaking stack whose commits are known; empty: no forge is
	// configured for any file of it.
	File string
	forge.Answer
}

// Any reports whether there is something to show.
func (c Changes) Any() bool { return c.Compare != "" || c.File != "" }

// ChangesOf returns the possible causes of a leak. It never waits: missing commits are
// requested in the background.
func (l Links) ChangesOf(of leak.Leak) Changes {
	c := Changes{Version: human.Line(of.Version, 60), Previous: human.Line(of.PreviousVersion, 60), Compare: l.compare(of)}
	for _, f := range suspectFrames(of) {
		for _, s := range l.Source {
			path, ok := strings.CutPrefix(f.File, s.Prefix)
			if !ok || f.File == "" || !query.Matches(s.Matchers, of.Service) {
				continue
			}
			if s.History == nil {
				break // the first entry that matches counts
			}
			path = strings.TrimLeft(path, "/")
			c.File, c.Answer = human.Line(path, 200), s.History.Of(path, of.Version, of.PreviousVersion)
			return c
		}
	}
	return c
}

// compare returns the link to the comparison of the versions.
func (l Links) compare(of leak.Leak) string {
	if of.Version == "" || of.PreviousVersion == "" {
		return ""
	}
	for _, x := range l.Compare {
		if !query.Matches(x.Matchers, of.Service) {
			continue
		}
		return x.URL.Fill(maxLink, func(name string) string {
			switch name {
			case "previous":
				return escapePath(of.PreviousVersion)
			case "version":
				return escapePath(of.Version)
			}
			return escapePath(of.Service.Get(name))
		})
	}
	return ""
}

// suspectFrames returns the frames of the leading stack whose files may have caused the leak,
// the likeliest first: where to look, who called the library, the go statement, and the others.
func suspectFrames(of leak.Leak) []collector.Frame {
	if len(of.Stacks) == 0 {
		return nil
	}
	s := of.Stacks[0]
	out := []collector.Frame{s.Key}
	for _, c := range s.Callers {
		out = append(out, c.Frame)
	}
	return append(append(out, s.CreatedBy), s.Frames...)
}
