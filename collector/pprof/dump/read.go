package dump

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
)

// emit receives the records of a profile.
type emit func(*collector.Record) error

// Read finds the dump in a text, decides on its format and reads it. The reader has a
// buffer of bounds.BufferSize.
func Read(br *bufio.Reader, lim bounds.Limits, memory *bounds.Account, p *collector.Profile, out func(*collector.Record) error) error {
	head, err := br.Peek(bounds.BufferSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := otherText(head); err != nil {
		return err
	}
	first := bytes.Clone(FirstLine(head))
	html := Detect(head) == HTML
	w, err := unwrap(br, newSources(lim))
	if err != nil {
		return err
	}
	n := &notes{wrapping: w, ignored: w.start.text}
	switch {
	case w.start.form == Debug1:
		err = readDebug1(&w.in, lim, memory, p, n, out)
	case w.start.form == Debug2:
		err = readDebug2(&w.in, lim, memory, p, n, out)
	case html:
		return collector.Errorf(collector.ReasonNotProfile, "that is a web page, not a profile: is there a login or a proxy in front of it?")
	default:
		return collector.Errorf(collector.ReasonNotProfile, "that is text, not a goroutine profile; it begins %q", first)
	}
	if err != nil {
		return err
	}
	n.write(p)
	return nil
}

// otherText makes the error for a text that is no goroutine profile.
func otherText(head []byte) error {
	switch Detect(head) {
	case Empty:
		return collector.Errorf(collector.ReasonNotProfile, "it is empty, not a profile")
	case Other:
		return collector.Errorf(collector.ReasonNotProfile, "that is %s, not a goroutine profile", otherProfile(head))
	case Text:
		if what := brokenPaste(head); what != "" {
			return collector.Errorf(collector.ReasonNotProfile, "that is %s", what)
		}
	}
	return nil
}
