package pprof

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
	"github.com/gorowatch/gorowatch/collector/pprof/dump"
)

// Parse reads a goroutine or goroutineleak profile in any format, compressed or not. fetched is
// the time for a profile without one of its own.
//
// The counts of a profile with Incomplete set are meaningless. An error is a *collector.Error
// and says where in the profile it happened, by line or by byte; the caller adds the name of
// the file or the URL. With an error, nothing else is returned.
func Parse(r io.Reader, fetched time.Time, lim Limits) (*collector.Profile, error) {
	return ParseContext(context.Background(), r, fetched, lim)
}

// ParseContext is Parse with a context, which bounds the decoding too, not only the reading.
func ParseContext(ctx context.Context, r io.Reader, fetched time.Time, lim Limits) (*collector.Profile, error) {
	lim = lim.WithDefaults()
	memory := lim.Account(ctx)
	defer memory.Close()
	return decodeAll(r, fetched, lim, memory)
}

// decodeAll is Parse with an account.
func decodeAll(r io.Reader, fetched time.Time, lim Limits, memory *bounds.Account) (*collector.Profile, error) {
	var records []collector.Record
	var slab []*collector.Frame
	p, err := decode(r, fetched, lim, memory, func(_ collector.Format, rec *collector.Record) error {
		n := len(rec.Frames)
		if cap(slab)-len(slab) < n {
			slab = make([]*collector.Frame, 0, max(n, slabFrames))
			if err := memory.Charge(8 * cap(slab)); err != nil {
				return err
			}
		}
		from := len(slab)
		slab = append(slab, rec.Frames...)
		kept := *rec
		kept.Frames, kept.Numbers = slab[from:len(slab):len(slab)], nil
		return bounds.Push(memory, &records, kept)
	})
	if err != nil {
		return nil, err
	}
	p.Records = records
	return p, nil
}

// OtherSources begins the warning that a log has dumps of several sources, of which one was
// read.
const OtherSources = dump.OtherSources

// maxAllocations bounds the count of a stack of a heap profile, whose exact number does not
// matter.
const maxAllocations = 1_000_000

// slabFrames is how many frames are allocated together.
const slabFrames = 1024

// Read is Parse for callers that keep less than all of it: it passes each record to keep, and
// the returned profile has none. The record and the arrays behind its Frames and Numbers are
// used again for the next one; everything else may be kept. After an error, records passed
// before must be discarded. An error of keep ends the reading and is returned unchanged.
func Read(r io.Reader, fetched time.Time, lim Limits, keep func(collector.Format, *collector.Record) error) (*collector.Profile, error) {
	return ReadContext(context.Background(), r, fetched, lim, keep)
}

// ReadContext is Read with a context.
func ReadContext(ctx context.Context, r io.Reader, fetched time.Time, lim Limits, keep func(collector.Format, *collector.Record) error) (*collector.Profile, error) {
	lim = lim.WithDefaults()
	memory := lim.Account(ctx)
	defer memory.Close()
	return decode(r, fetched, lim, memory, keep)
}

// decode is Read with an account. It turns a panic of a decoder, which would be a bug of ours,
// into an error, because profiles are untrusted.
func decode(r io.Reader, fetched time.Time, lim Limits, memory *bounds.Account, keep func(collector.Format, *collector.Record) error) (p *collector.Profile, err error) {
	defer func() {
		if v := recover(); v != nil {
			p, err = nil, collector.Errorf(collector.ReasonDecoder, "the decoder failed: %.200s", fmt.Sprint(v))
		}
	}()
	body := &bounds.Reader{Memory: memory, R: r, N: lim.Body, What: "bytes"}
	p = &collector.Profile{}
	var kept error
	u := unpacker{lim: lim, memory: memory, profile: p, out: func(rec *collector.Record) error {
		if err := memory.Check(); err != nil {
			return err
		}
		if p.Kind == collector.KindHeap {
			rec.Count = min(rec.Count, maxAllocations)
			p.Total++
			kept = keep(p.Format, rec)
			return kept
		}
		if rec.Count > collector.MaxGoroutines-p.Total {
			return collector.Errorf(collector.ReasonBadData, "the number of goroutines overflows: more than %d, which no program has", collector.MaxGoroutines)
		}
		p.Total += rec.Count
		if p.Kind == collector.KindGoroutineLeak && p.Format != collector.FormatDebug2 {
			rec.Leaked = true
		}
		kept = keep(p.Format, rec)
		return kept
	}}
	err = u.read(bufio.NewReaderSize(body, bounds.BufferSize), false)
	if kept != nil {
		return nil, kept
	}
	if errors.Is(err, context.DeadlineExceeded) && body.Ended {
		err = collector.Errorf(collector.ReasonTooLarge, "it takes too long to decode: %w", err)
	}
	if err != nil {
		if reason := collector.NetworkReason(err); reason != collector.ReasonOf(err) {
			err = &collector.Error{Reason: reason, Err: err}
		}
		return nil, err
	}
	if p.Time.IsZero() {
		p.Time = fetched
	}
	return p, nil
}
