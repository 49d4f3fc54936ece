package dump

import (
	"strings"

	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
	"github.com/gorowatch/gorowatch/collector/pprof/paste"
)

// sources says which sources of a log are read. The zero value takes the first one.
type sources struct {
	only string
	skip []*paste.Prefix
	bare bool // dumps without a prefix are skipped
}

func newSources(lim bounds.Limits) (s sources) {
	s.only = lim.Source
	for _, text := range lim.SkipSources {
		if text == "" {
			s.bare = true
		} else {
			s.skip = append(s.skip, paste.NewPrefix([]byte(text)))
		}
	}
	return s
}

// skips reports whether a dump that begins within a line is not read.
func (s *sources) skips(line []byte, at int) bool {
	if at == 0 {
		return s.bare || s.only != ""
	}
	return s.only != "" && !strings.Contains(string(line[:at]), s.only) || s.has(line)
}

// foreign reports whether a line is of a source that is not read.
func (s *sources) foreign(line []byte) bool {
	return s.only != "" && !strings.Contains(string(line), s.only) || s.has(line)
}

// has reports whether a line is of a source that is skipped.
func (s *sources) has(line []byte) bool {
	for _, p := range s.skip {
		if p.Has(line) {
			return true
		}
	}
	return false
}
