package dump

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
)

// BufferSize is the size of the buffers that readers of dumps need. So much of the
// FirstLine decides on the format: a dump may have a panic's text and log lines before
// its first goroutine. A longer line is cut.
const BufferSize = 64 << 10

// emit takes the records of a profile as they are read.
type emit func(*collector.Record) error

// Read decides on the format of a text and reads it. The reader has a buffer of
// BufferSize.
func Read(br *bufio.Reader, lim bounds.Limits, memory *bounds.Account, p *collector.Profile, out func(*collector.Record) error) error {
	head, err := br.Peek(BufferSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch Detect(head) {
	case Debug1:
		return readDebug1(lines{br: br}, lim, memory, p, out)
	case Debug2:
		return readDebug2(lines{br: br}, lim, memory, p, out)
	case Empty:
		return collector.Errorf(collector.ReasonNotProfile, "it is empty, not a profile")
	case HTML:
		return collector.Errorf(collector.ReasonNotProfile, "that is a web page, not a profile: is there a login or a proxy in front of it?")
	case Other:
		return collector.Errorf(collector.ReasonNotProfile, "that is %s, not a goroutine profile", otherProfile(head))
	}
	if what := brokenPaste(head); what != "" {
		return collector.Errorf(collector.ReasonNotProfile, "that is %s", what)
	}
	first := bytes.Clone(FirstLine(head))
	in, f, err := skipText(br)
	switch {
	case err != nil:
		return err
	case f == Debug1:
		return readDebug1(in, lim, memory, p, out)
	case f == Debug2:
		return readDebug2(in, lim, memory, p, out)
	}
	return collector.Errorf(collector.ReasonNotProfile, "that is text, not a goroutine profile; it begins %q", first)
}

// logLimit is how much of a log may be before a dump in it.
const logLimit = 16 << 20

// skipText reads up to the dump in a longer log, if there is one.
func skipText(br *bufio.Reader) (in lines, f Form, err error) {
	in = lines{br: br}
	for in.size < logLimit {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return in, Text, err
		}
		switch text := trimmedCopy(line); {
		case isTotal(text):
			f = Debug1
		case isHeader(text):
			f = Debug2
		default:
			continue
		}
		// The line comes once more, with an end, unless it is the last one.
		again := bytes.Clone(line)
		if in.last == '\n' {
			again = append(again, '\n')
		}
		return lines{br: bufio.NewReaderSize(io.MultiReader(bytes.NewReader(again), br), BufferSize), n: in.n - 1}, f, nil
	}
	return in, Text, nil
}
