package dump

import "bytes"

// readKnown counts goroutines as long as they have the runtime's own form and a stack that was
// read before. It leaves the reader at the first line that it cannot read, for the tolerant
// reader.
//
// It exists for speed: nearly all goroutines of a large dump stand on few stacks, and a key in
// the index needs no further checks. The tolerant reader has read every name and every place in
// a key from another goroutine, so the two never disagree.
func (d *dump) readKnown() {
	if d.spaced || d.in.tolerant || d.in.rewrite != nil || len(d.records) == 0 {
		return
	}
	for {
		text, err := d.in.br.Peek(d.in.br.Buffered())
		for err == nil {
			n, lines, whole := d.known(text)
			if n == 0 {
				if whole || len(text) == d.in.br.Size() {
					return
				}
				break
			}
			_, err = d.in.br.Discard(n)
			d.in.n += lines
			d.in.size += int64(n)
			d.in.last = '\n'
			text = text[n:]
		}
		// The buffer ends within a goroutine: read more.
		if more, err := d.in.br.Peek(len(text) + 1); err != nil || len(more) <= len(text) {
			return
		}
	}
}

// known counts the goroutine at the start of text and returns its length and its number of
// lines. They are 0 if its stack is not known. whole is false if the text ends too early to
// say.
func (d *dump) known(text []byte) (n, lines int, whole bool) {
	header, start := cutLine(text)
	if start == 0 {
		return 0, 0, len(text) > 0 && text[0] != 'g'
	}
	if len(header) == 0 || header[len(header)-1] != ':' || !isHeader(header) {
		return 0, 0, true
	}
	between, before := d.between, cap(d.key)
	whole = true
	if err := d.header(header); err == nil && d.open {
		if n, lines, whole = d.appendFrames(text[start:]); n > 0 && isPlain(text[:start+n]) {
			if at, ok := d.index[string(d.key)]; ok {
				d.open = false
				d.count(at)
				return start + n, lines + 1, true
			}
		}
	}
	_ = d.memory.Charge(cap(d.key) - before)
	d.open, d.between = false, between
	return 0, 0, whole
}

// appendFrames adds alternating lines of functions and files to the key, up to an empty line.
func (d *dump) appendFrames(text []byte) (n, lines int, whole bool) {
	key, frames := d.key, 0
	defer func() { d.key, d.frames = key, frames }()
	for {
		function, size := cutLine(text[n:])
		if size == 0 {
			return 0, 0, false
		}
		n += size
		if len(function) == 0 {
			if frames == 0 {
				return 0, 0, true
			}
			return n, 2*frames + 1, true
		}
		at, size := cutLine(text[n:])
		if size == 0 {
			return 0, 0, false
		}
		n += size
		if len(at) < 2 || at[0] != '\t' || frames == d.lim.Depth {
			return 0, 0, true
		}
		frames++
		if name, ok := bytes.CutPrefix(function, createdByLead); ok {
			if i := bytes.Index(name, inGoroutine); i >= 0 {
				d.creator = creatorOf(name[i+len(inGoroutine):])
				name = name[:i]
			}
			key = append(append(key, createdMark), name...)
		} else if i := bytes.LastIndexByte(function, '('); i >= 0 && function[len(function)-1] == ')' {
			key = append(key, function[:i]...)
		} else {
			return 0, 0, true
		}
		at = at[1:]
		if i := bytes.LastIndexByte(at, ' '); i >= 0 && isOffset(at[i+1:]) {
			at = at[:i]
		}
		key = append(append(append(key, '\n'), at...), '\n')
	}
}
