package dump

import (
	"bufio"
	"bytes"
	"fmt"

	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
	"github.com/gorowatch/gorowatch/collector/pprof/paste"
)

// wrapping is the text around a dump, and around each line of it.
type wrapping struct {
	in      lines
	start   start
	sources sources // that are read

	names    []string // of the kinds of text around it
	prefix   *paste.Prefix
	stripped int // lines whose prefix was cut
	foreign  int // lines with another prefix or none
	other    string
	others   int // dumps that begin in those lines
	lost     int // line at which the log reports lost messages
	json     *paste.Lines
	escaped  *paste.Unescaper
	delve    *paste.Delve
}

// maxWrappings bounds how many wrappings are nested.
const maxWrappings = 4

// unwrap finds the dump in a text and removes what is around it.
func unwrap(br *bufio.Reader, wanted sources) (*wrapping, error) {
	w := &wrapping{sources: wanted}
	for range maxWrappings {
		s, err := findStart(br, wanted)
		if err != nil {
			return nil, err
		}
		wanted = sources{} // of the text inside
		s.skipped += w.start.skipped
		s.text += w.start.text
		s.within = s.within || w.start.within
		w.start = s
		if s.form == Text || s.at == 0 {
			break
		}
		head, _ := br.Peek(bounds.BufferSize)
		line, n := cutLine(head)
		if n == 0 {
			line = head
		}
		before, rest := line[:s.at], line[s.at:]
		key, inJSON := paste.KeyAt(line, s.at)
		switch escaped := bytes.Index(rest, []byte(`\n`)); {
		case inJSON && (escaped < 0 || oneLine(rest)):
			w.json = paste.NewLines(br, key)
			w.names = append(w.names, jsonName(key))
			br = bufio.NewReaderSize(w.json, bounds.BufferSize)
			continue
		case escaped >= 0 && isEscaped(rest):
			_, _ = br.Discard(s.at)
			w.names = append(w.names, "text within a string with escapes")
			w.escaped = paste.NewUnescaper(br)
			br = bufio.NewReaderSize(w.escaped, bounds.BufferSize)
			continue
		case isHTML(before):
			w.names = append(w.names, "web page")
			w.in.rewrite = func(line []byte) ([]byte, bool) {
				text := paste.HTML(line)
				return text, line != nil && (len(text) > 0 || len(line) == 0) // a line of tags is no empty line
			}
		default:
			w.cutPrefix(before, head[n:])
		}
		break
	}
	if len(w.sources.skip) > 0 && w.in.rewrite == nil {
		w.in.rewrite = func(line []byte) ([]byte, bool) { return line, line != nil && !w.sources.has(line) }
	}
	w.in.br, w.in.n = br, w.start.skipped
	w.listed()
	return w, nil
}

// oneLine reports whether a string in JSON holds only the first line of a dump.
func oneLine(rest []byte) bool {
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			if i++; i+1 < len(rest) && rest[i] == 'n' && rest[i+1] != '"' {
				return false
			}
		case '"':
			return true
		}
	}
	return true
}

// isEscaped reports whether the first line of a dump ends with an escaped line end.
func isEscaped(rest []byte) bool {
	i := bytes.Index(rest, []byte(`\n`))
	line := bytes.TrimSuffix(rest[:i], []byte(`\r`))
	return i > 0 && (line[len(line)-1] == ':' || isTotal(line))
}

func isHTML(before []byte) bool {
	text := bytes.TrimSpace(before)
	return len(text) > 2 && text[0] == '<' && text[len(text)-1] == '>' && (text[1] < '0' || text[1] > '9')
}

func jsonName(key string) string {
	if key == "log" {
		return "docker JSON log"
	}
	return fmt.Sprintf("JSON log, %.40q of each line", key)
}

// lookahead is how many lines are checked for a prefix.
const lookahead = 40

// cutPrefix cuts the text before a dump: from each line if the lines below have it too, else
// only from the first one.
func (w *wrapping) cutPrefix(before, below []byte) {
	prefix := paste.NewPrefix(before)
	for range lookahead {
		line, n := cutLine(below)
		if n == 0 {
			line, n = below, len(below)
		}
		if n == 0 {
			break
		}
		if prefix.Has(bytes.TrimSuffix(line, []byte("\r"))) {
			w.prefix = prefix
			w.names = append(w.names, prefix.Name())
			w.in.rewrite = w.line
			return
		}
		below = below[n:]
	}
	w.names = append(w.names, fmt.Sprintf("dump behind %q", prefix.String()))
	w.in.rewrite = func(line []byte) ([]byte, bool) {
		if line == nil {
			return nil, false
		}
		if at, _ := startWithin(line); at > 0 {
			line = line[at:]
		}
		return line, true
	}
}

// noPrefix stands for a source whose dumps have no prefix.
const noPrefix = " "

// line cuts the prefix of a line. Lines of other sources do not belong to the dump.
func (w *wrapping) line(line []byte) ([]byte, bool) {
	if line == nil {
		return nil, false
	}
	if !isPlain(line) && bytes.IndexByte(line, 0x1b) >= 0 && !w.prefix.Has(line) {
		line = plainLine(line)
	}
	rest, more, ok := w.prefix.Cut(line)
	if ok {
		w.stripped++
		return rest, !more
	}
	if len(trimmedCopy(line)) == 0 {
		return nil, true
	}
	w.foreign++
	text := trimmedCopy(line)
	if at, _ := startWithin(line); (at > 0 || isHeader(text) || isTotal(text)) && !w.sources.skips(line, at) {
		if w.others++; w.others == 1 {
			w.other = string(line[:at])
			if at == 0 {
				w.other = noPrefix
			}
		}
	}
	if w.lost == 0 && (bytes.Contains(line, []byte("uppressed ")) && bytes.Contains(line, []byte(" messages")) || bytes.Contains(line, []byte("rate-limiting"))) {
		w.lost = w.in.n
	}
	return nil, false
}

// listed checks whether the dump, without its prefix, is the list of a debugger.
func (w *wrapping) listed() {
	head, _ := w.in.br.Peek(bounds.BufferSize)
	line, n := cutLine(head)
	if n == 0 {
		line = head
	}
	line = line[min(w.start.at, len(line)):]
	if !w.start.delve && !paste.IsDelve(line) {
		return
	}
	w.start.form = Debug2
	w.delve = paste.NewDelve()
	w.names = append(w.names, "delve's list of goroutines")
	cut := w.in.rewrite
	w.in.rewrite = func(line []byte) ([]byte, bool) {
		if line != nil && cut != nil {
			var ok bool
			if line, ok = cut(line); !ok || line == nil {
				return nil, ok
			}
		}
		return w.delve.Line(line)
	}
}
