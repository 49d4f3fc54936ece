package reading

import "time"

// The last fineBlocks blocks are read as plain samples, because the shortest scale of the trend needs
// all of them. Of earlier ones, the minimum of every coarseBlocks blocks is read, which is enough for
// the longer scales.
const (
	fineBlocks   = 60
	coarseBlocks = 5
)

// PieceSamples is about how many samples are read at once. It bounds memory, and how much is read
// again after an error.
const PieceSamples = 100_000

// firstSteps is how many steps the first piece has, before the number of series is known.
const firstSteps = 10

// Options are what the size of a piece depends on.
type Options struct {
	// Interval is the time between two evaluations.
	Interval time.Duration
	// History is how far back the first piece begins.
	History time.Duration
	// Block is the length of a block of the trend.
	Block time.Duration
	// Condensed reports whether the source can return the minima of blocks.
	Condensed bool
}

// Piece is a span of time to read. If it is in blocks, it includes From and excludes To; otherwise it
// excludes From and includes To.
type Piece struct {
	From, To time.Time
	Block    time.Duration // 0: plain samples
}

// Cursor is how far reading has come.
type Cursor struct {
	last  time.Time // up to where samples were read; zero: none were
	begin time.Time // where catching up began
	now   time.Time // of the latest evaluation
	steps int       // evaluations, or blocks, of the next piece
	// history reports whether the time before the start is being read.
	history bool
}

// NewCursor makes a Cursor that has read nothing.
func NewCursor() Cursor { return Cursor{steps: firstSteps, history: true} }

// Last returns up to where samples were read; zero: none were.
func (c *Cursor) Last() time.Time { return c.last }

// Now returns the time of the latest evaluation.
func (c *Cursor) Now() time.Time { return c.now }

// Behind reports whether there is more to read before the latest evaluation.
func (c *Cursor) Behind() bool { return c.last.Before(c.now) }

// InHistory reports whether the time before the start is being read.
func (c *Cursor) InHistory() bool { return c.history }

// Skip moves the cursor to a time whose samples were read elsewhere.
func (c *Cursor) Skip(to time.Time) { c.last = to }

// Next returns the next piece to read for an evaluation at the time now.
func (c *Cursor) Next(now time.Time, o Options) Piece {
	c.now = now
	from := c.last
	if oldest := now.Add(-max(o.History, o.Interval)); from.Before(oldest) {
		from, c.begin = oldest, oldest
	}
	if c.begin.IsZero() {
		c.begin = from
	}
	first := from.Add(o.Interval) // the first evaluation to read
	length := coarseBlocks * o.Block
	recent := Truncate(now.Add(-fineBlocks*o.Block), length)
	if o.Condensed && length > o.Interval && length%o.Interval == 0 && first.Before(recent) {
		edge := Truncate(first, length)
		if edge.Before(first) && !c.last.IsZero() {
			// Read plain samples up to where a block begins.
			return Piece{From: from, To: edge.Add(length - o.Interval)}
		}
		return Piece{From: edge, To: earlier(edge.Add(time.Duration(c.steps)*length), recent), Block: length}
	}
	return Piece{From: from, To: earlier(from.Add(time.Duration(c.steps)*o.Interval), now)}
}

// Advance moves the cursor to the end of a piece that was read.
func (c *Cursor) Advance(p Piece, o Options) {
	c.last = p.To
	if p.Block > 0 {
		c.last = p.To.Add(-o.Interval)
	}
}

// Fed records that the samples of a piece were fed to the services. The next piece is as long as
// PieceSamples allows by their number, but at most four times as long.
func (c *Cursor) Fed(p Piece, o Options, samples int) {
	c.history = c.history && c.Behind()
	step := o.Interval
	if p.Block > 0 {
		step = p.Block
	}
	fit := PieceSamples
	if samples > 0 {
		fit = int(float64(PieceSamples) * float64(p.To.Sub(p.From)/step) / float64(samples))
	}
	c.steps = max(1, min(fit, 4*c.steps))
}

// Shrink halves the next piece, because the last one was too much for the source.
func (c *Cursor) Shrink() { c.steps = max(1, c.steps/2) }

// Progress returns how far reading is behind the latest evaluation, and which share of catching up is
// done, 0 to 1.
func (c *Cursor) Progress() (behind time.Duration, done float64) {
	behind = max(0, c.now.Sub(c.last))
	if c.last.IsZero() {
		behind = c.now.Sub(c.begin)
	}
	done = 1
	if all := c.now.Sub(c.begin); behind > 0 && all > 0 {
		done = 1 - behind.Seconds()/all.Seconds()
	}
	if behind == 0 {
		c.begin = c.last
	}
	return behind, max(0, done)
}

// Truncate returns the latest whole multiple of d since the epoch that is not after t.
func Truncate(t time.Time, d time.Duration) time.Time {
	return t.Add(-time.Duration(t.UnixNano() % int64(d)))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
