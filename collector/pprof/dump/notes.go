package dump

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
)

// notes are what a person should know about how a dump was read.
type notes struct {
	*wrapping
	assumed []string
	ignored int // lines that belong to no goroutine
}

// write puts the notes into the profile. A dump that needed no change has none.
func (n *notes) write(p *collector.Profile) {
	if n.prefix != nil && (n.other != "" || len(n.sources.skip) > 0 || n.sources.bare || n.sources.only != "") {
		p.Source = n.prefix.Text()
	}
	p.OtherSource = n.other
	n.warn(p)
	names := n.names
	if n.json != nil && n.stripped == 0 {
		n.stripped = n.json.Count
	}
	ignored := n.ignored + n.foreign
	if len(names) == 0 && len(n.assumed) == 0 && ignored == 0 {
		return
	}
	if len(names) == 0 {
		names = []string{string(p.Format) + " dump"}
	}
	parts := []string{strings.Join(names, ", ")}
	switch {
	case n.prefix != nil:
		parts = append(parts, "prefix stripped from "+count(n.stripped, "line"))
	case n.stripped > 0:
		parts = append(parts, "text taken from "+count(n.stripped, "line"))
	}
	parts = append(parts, n.assumed...)
	switch {
	case ignored == 1:
		parts = append(parts, "1 line that belongs to no goroutine ignored")
	case ignored > 0:
		parts = append(parts, count(ignored, "line")+" that belong to no goroutine ignored")
	}
	p.ReadAs = strings.Join(parts, "; ")
}

// OtherSources begins the warning that not all dumps of a log were read.
const OtherSources = "dumps of other sources are in the log, too"

// warn warns of text that was not read although it may matter.
func (n *notes) warn(p *collector.Profile) {
	warn := func(format string, args ...any) { p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...)) }
	if n.others > 0 {
		warn(OtherSources+": %s begin behind other prefixes, the first behind %q; only the one behind %q is read", count(n.others, "goroutine"), FirstLine([]byte(n.other)), n.prefix.String())
	}
	if n.lost > 0 {
		warn("line %d: the log says that it lost lines, so there may be more goroutines than counted", n.lost)
	}
	if n.escaped != nil && n.escaped.Cut {
		warn("the string that holds the dump has no end: a part is missing there, so there may be more goroutines than counted")
	}
	if n.start.within {
		warn("a frame stands before the first goroutine: the beginning of the dump is missing, so there may be more goroutines than counted")
	}
	if d := n.delve; d != nil {
		if d.Said > d.Count {
			warn("the list has %d goroutines, but its last line says %d", d.Count, d.Said)
		}
		if !d.Frames {
			warn("the list has one frame of each goroutine; \"goroutines -t\" shows whole stacks")
		}
	}
}

// count returns a number with its noun: "12,004 lines".
func count(n int, noun string) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if n != 1 {
		noun += "s"
	}
	return s + " " + noun
}
