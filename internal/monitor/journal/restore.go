package journal

import (
	"context"
	"errors"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/leak"
)

// maxPartialReads is how often the leaks of earlier runs are read if some of them cannot be. Then
// watching continues without those.
const maxPartialReads = 10

// errReplaced means that the archive was replaced, and the new one was not read yet.
var errReplaced = errors.New("another archive")

// restore is how far the leaks of earlier runs were read from the archive.
type restore struct {
	err      error // why not all were read; nil: they were
	reading  bool
	partial  int             // reads that returned some of them
	restored map[string]bool // ids
}

// Restored reports whether the leaks of earlier runs are known.
func (j *Journal) Restored() bool { return j.restore.err == nil }

// StartRestore reports whether the archive has to be read now. If so, the result must be passed to
// Restore; until then it returns false.
func (j *Journal) StartRestore() bool {
	if j.Restored() || j.restore.reading {
		return false
	}
	j.restore.reading = true
	return true
}

// Read reads the leaks of earlier runs from the archive; with an error, it returns those that can be
// read.
func (j *Journal) Read(ctx context.Context) ([]leak.Leak, error) { return j.archive.Leaks(ctx) }

// Restore records what Read returned. It returns the leaks of watched services that were not
// restored before.
func (j *Journal) Restore(leaks []leak.Leak, err error, owns func(service labels.Labels) bool) (out []leak.Leak) {
	r := &j.restore
	r.reading, r.err = false, err
	if r.restored == nil {
		r.restored = map[string]bool{}
	}
	for _, l := range leaks {
		if r.restored[l.ID] || !owns(l.Service) {
			continue
		}
		r.restored[l.ID] = true
		out = append(out, l)
		j.archived[l.ID] = digest(l)
		j.logged[l.ID] = j.archived[l.ID]
	}
	if err != nil && len(leaks) > 0 {
		if r.partial++; r.partial >= maxPartialReads {
			j.logger.Error("Cannot read some leaks of earlier runs; watching continues without them", "read", len(leaks), "err", err)
			r.err = nil
		}
	}
	if j.Restored() {
		r.restored = nil
	}
	j.Report(r.err)
	return out
}

// ForgetArchive records that the archive was replaced: the new one is read first, then all
// leaks are written to it.
func (j *Journal) ForgetArchive() {
	clear(j.archived)
	j.restore = restore{err: errReplaced}
}
