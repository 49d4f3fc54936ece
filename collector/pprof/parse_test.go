package pprof

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

var fetched = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// proto makes a small profile of type typ with counts[i] goroutines at place i.
func proto(typ string, counts ...int64) []byte {
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: typ, Unit: "count"}},
		PeriodType: &profile.ValueType{Type: typ, Unit: "count"},
	}
	for i, n := range counts {
		id := uint64(i + 1)
		f := &profile.Function{ID: id, Name: fmt.Sprintf("main.wait%d", id), Filename: "/src/main.go"}
		l := &profile.Location{ID: id, Line: []profile.Line{{Function: f, Line: int64(7 + i)}}}
		p.Function, p.Location = append(p.Function, f), append(p.Location, l)
		p.Sample = append(p.Sample, &profile.Sample{Location: []*profile.Location{l}, Value: []int64{n}})
	}
	return encode(p)
}

func encode(p *profile.Profile) []byte {
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func compress(data []byte) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	if _, err := zw.Write(data); err != nil {
		panic(err)
	}
	if err := zw.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func decompress(data []byte) []byte {
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		panic(err)
	}
	out, err := io.ReadAll(zr)
	if err != nil {
		panic(err)
	}
	return out
}

func parse(t testing.TB, data string) *collector.Profile {
	t.Helper()
	p, err := Parse(strings.NewReader(data), fetched, Limits{})
	require.NoError(t, err)
	p.ReadAs = "" // has tests of its own
	return p
}

const oneDump = `goroutine 7 [chan send, 12 minutes]:
main.logHandler.func1(0xc000112000, {0x1234, 0x5})
	/src/handler.go:29 +0x1d
created by main.logHandler in goroutine 5
	/src/handler.go:18 +0x5e

`

func TestDebug2(t *testing.T) {
	frame := &collector.Frame{Func: "main.logHandler.func1", File: "/src/handler.go", Line: 29}
	creator := collector.Frame{Func: "main.logHandler", File: "/src/handler.go", Line: 18}
	record := func(change func(*collector.Record)) collector.Record {
		r := collector.Record{Count: 1, Frames: []*collector.Frame{frame}, CreatedBy: creator, State: "chan send"}
		change(&r)
		r.Goroutines = []collector.Goroutine{{ID: 7, Waited: r.Wait}}
		return r
	}
	body := strings.SplitN(oneDump, "\n", 2)[1]
	for name, tc := range map[string]struct {
		text string
		want collector.Record
	}{
		"plain":   {oneDump, record(func(r *collector.Record) { r.Wait = 12 * time.Minute })},
		"Go 1.19": {strings.Replace(oneDump, " in goroutine 5", "", 1), record(func(r *collector.Record) { r.Wait = 12 * time.Minute })},
		"thread":  {"goroutine 7 [chan send, locked to thread]:\n" + body, record(func(*collector.Record) {})},
		"everything": {`goroutine 7 [chan send (leaked) (scan), 3 minutes, locked to thread, synctest bubble 4 labels:{"a": "x]: y, 9 minutes", "b\"c": "\u00e9"}]:` + "\n" + body, record(func(r *collector.Record) {
			r.Leaked, r.Wait, r.Labels = true, 3*time.Minute, map[string]string{"a": "x]: y, 9 minutes", `b"c`: "é"}
		})},
		"labels of Go 1.27": {`goroutine 7 [chan send (leaked), 3 minutes, locked to thread] {n: 7, empty: , route: "/cart\"]: {a, 3 minutes}"}:` + "\n" + body, record(func(r *collector.Record) {
			r.Leaked, r.Wait, r.Labels = true, 3*time.Minute, map[string]string{"n": "7", "empty": "", "route": `/cart"]: {a, 3 minutes}`}
		})},
		"labels alone":    {`goroutine 7 [chan send labels:{"a": "b"}]:` + "\n" + body, record(func(r *collector.Record) { r.Labels = map[string]string{"a": "b"} })},
		"crash":           {"goroutine 7 gp=0xc000002380 m=0 mp=0x55f0 [chan send]:\n" + strings.Replace(body, " +0x1d", " +0x1d fp=0xc00008 sp=0xc00007 pc=0x47a0ce", 1), record(func(*collector.Record) {})},
		"CRLF":            {strings.ReplaceAll(oneDump, "\n", "\r\n"), record(func(r *collector.Record) { r.Wait = 12 * time.Minute })},
		"a panic before":  {"panic: boom [recovered]\n\tpanic: again (twice)\n\n" + oneDump, record(func(r *collector.Record) { r.Wait = 12 * time.Minute })},
		"logs in between": {strings.Replace(oneDump, "created by", "2026/01/01 12:00:00 served (in 3 ms)\nts=1 msg=hello\ncreated by", 1), record(func(r *collector.Record) { r.Wait = 12 * time.Minute })},
		"no last newline": {strings.TrimRight(oneDump, "\n"), record(func(r *collector.Record) { r.Wait = 12 * time.Minute })},
		"ancestors":       {strings.TrimRight(oneDump, "\n") + "\n[originating from goroutine 5]:\nmain.main(...)\n\t/src/main.go:1 +0x1\n\n", record(func(r *collector.Record) { r.Wait = 12 * time.Minute })},
		"path with colon and spaces": {strings.ReplaceAll(oneDump, "/src/handler.go:29", "C:/Program Files/a b.go:29"), record(func(r *collector.Record) {
			r.Wait = 12 * time.Minute
			r.Frames = []*collector.Frame{{Func: "main.logHandler.func1", File: "C:/Program Files/a b.go", Line: 29}}
		})},
		"method, generic, inlined": {"goroutine 7 [chan send]:\nexample.com/q.(*Q[...]).Push(...)\n\t/src/q.go:3\n" + body, record(func(r *collector.Record) {
			r.Frames = []*collector.Frame{{Func: "example.com/q.(*Q[...]).Push", File: "/src/q.go", Line: 3}, frame}
		})},
		"frames elided": {"goroutine 7 [chan send]:\nmain.f(0x1)\n\t/src/f.go:1 +0x1\n...additional frames elided...\n" + body, record(func(r *collector.Record) {
			r.Frames = []*collector.Frame{{Func: "main.f", File: "/src/f.go", Line: 1}, frame}
		})},
		"on another thread": {"goroutine 7 [running]:\n\tgoroutine running on other thread; stack unavailable\ncreated by main.logHandler in goroutine 5\n\t/src/handler.go:18 +0x5e\n", record(func(r *collector.Record) {
			r.State, r.Frames = "running", nil
		})},
	} {
		t.Run(name, func(t *testing.T) {
			p := parse(t, tc.text)
			require.Equal(t, collector.FormatDebug2, p.Format)
			require.Equal(t, fetched, p.Time)
			require.EqualValues(t, 1, p.Total)
			if strings.Contains(tc.text, "created by main.logHandler in goroutine 5") {
				tc.want.Creators = []uint64{5}
			}
			require.Equal(t, []collector.Record{tc.want}, p.Records)
		})
	}
}

func TestDebug2Aggregates(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "goroutine %d [select, %d minutes labels:{\"all\": \"same\", \"id\": \"%d\"}]:\nmain.f(0x%x)\n\t/src/f.go:1 +0x1\ncreated by main.main in goroutine %d\n\t/src/f.go:9 +0x1\n\n", i+1, i, i, i, i)
	}
	p := parse(t, b.String())
	require.EqualValues(t, 1000, p.Total)
	require.Len(t, p.Records, 1)
	require.EqualValues(t, 1000, p.Records[0].Count)
	require.Len(t, p.Records[0].Goroutines, 1000)
	require.Equal(t, 999*time.Minute, p.Records[0].Wait)
	require.Equal(t, map[string]string{"all": "same"}, p.Records[0].Labels, "what they share")
}

// A dump of 64 MB was cut; a smaller one was not.
func TestDebug2CutAt64MB(t *testing.T) {
	for _, size := range []int{(64 << 20) - 1, (64 << 20), (64 << 20) + 1} {
		p, err := Parse(endless(oneDump, size), fetched, Limits{})
		switch {
		case size == (64 << 20):
			require.NoError(t, err)
			require.True(t, p.Incomplete)
		case err == nil:
			require.False(t, p.Incomplete)
		default:
			require.Equal(t, collector.ReasonTruncated, collector.ReasonOf(err), "%v", err)
		}
	}
}

// numbered is a text repeated count times, with the number of each repetition in place of seven
// zeros. It allocates nothing after the first.
type numbered struct {
	text     string
	count, i int
	buf      []byte
	rest     []byte
}

func (n *numbered) Read(p []byte) (int, error) {
	if len(n.rest) == 0 {
		if n.i == n.count {
			return 0, io.EOF
		}
		n.i++
		n.buf = append(n.buf[:0], n.text...)
		digit := strings.Index(n.text, "0000000") + 6
		for v := n.i; v > 0; v /= 10 {
			n.buf[digit] = byte('0' + v%10)
			digit--
		}
		n.rest = n.buf
	}
	c := copy(p, n.rest)
	n.rest = n.rest[c:]
	return c, nil
}

// endless repeats a text, up to n bytes.
func endless(text string, n int) io.Reader {
	return io.LimitReader(&repeater{text: text}, int64(n))
}

type repeater struct {
	text string
	at   int
}

func (r *repeater) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

func TestDebug1(t *testing.T) {
	const text = "goroutine profile: total 6\n" +
		"3 @ 0x47a0ce 0x40a0f3 0x40a0b2 0x48c1d5\n" +
		"# labels: {\"route\":\"/ca,rt\", \"a\\\"b\":\"c}\"}\n" +
		"#\t0x48c1d4\tmain.(*server).wait+0x34\t\tC:/src/main.go:12\n" +
		"#\t0x48c1d5\tmain.main.func1+0x1\t\t\t/src/main.go:9\n\n" +
		"2 @ 0x47a0ce\n#\t0x47a0cd\n\n" +
		"1 @ \n\n"
	for _, text := range []string{text, strings.ReplaceAll(text, "\n", "\r\n"), "\xef\xbb\xbf" + text, "\n\n" + text} {
		p := parse(t, text)
		require.Equal(t, &collector.Profile{
			Kind: collector.KindGoroutine, Format: collector.FormatDebug1, Time: fetched, Total: 6,
			Records: []collector.Record{
				{
					Count: 3, Frames: []*collector.Frame{{Func: "main.(*server).wait", File: "C:/src/main.go", Line: 12}, {Func: "main.main.func1", File: "/src/main.go", Line: 9}},
					Labels: map[string]string{"route": "/ca,rt", `a"b`: "c}"},
				},
				{Count: 2, Frames: []*collector.Frame{{}}},
				{Count: 1, Frames: []*collector.Frame{}},
			},
		}, p)
	}
	p := parse(t, strings.Replace(text, "goroutine profile", "goroutineleak profile", 1))
	require.Equal(t, collector.KindGoroutineLeak, p.Kind)
	require.True(t, p.Records[0].Leaked)
}

// The decoder reads what the reference implementation reads.
func TestProtoAgreesWithReference(t *testing.T) {
	files, err := filepath.Glob("../../internal/stack/testdata/profiles/*.pb.gz")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		agree(t, data)
		agree(t, decompress(data))
		twice, err := Parse(bytes.NewReader(compress(data)), fetched, Limits{})
		require.NoError(t, err, "compressed once more on the way")
		require.NotEmpty(t, twice.Records)
		ref, err := profile.ParseData(data)
		require.NoError(t, err)
		agree(t, encode(ref)) // the fields in another order
	}
	// Ids with gaps, inlined frames, several labels, a function without name.
	f := &profile.Function{ID: 1 << 40, Name: "main.a", Filename: "a.go"}
	g := &profile.Function{ID: 3, Name: "main.b", Filename: "b.go"}
	l := &profile.Location{ID: 1 << 50, Line: []profile.Line{{Function: f, Line: 1}, {Function: g, Line: 2}}}
	m := &profile.Location{ID: 9, Address: 0x1234}
	agree(t, encode(&profile.Profile{
		SampleType: []*profile.ValueType{{Type: "goroutine", Unit: "count"}},
		TimeNanos:  fetched.UnixNano(),
		Function:   []*profile.Function{f, g},
		Location:   []*profile.Location{l, m},
		Sample: []*profile.Sample{
			{Location: []*profile.Location{l, m, l}, Value: []int64{5}, Label: map[string][]string{"k": {"v"}, "two": {"x", "y"}}, NumLabel: map[string][]int64{"n": {1}}},
			{Value: []int64{0}},
		},
	}))
}

func agree(t testing.TB, data []byte) {
	t.Helper()
	ref, err := profile.ParseData(data)
	require.NoError(t, err)
	got, err := Parse(bytes.NewReader(data), fetched, Limits{})
	require.NoError(t, err)
	require.Len(t, got.Records, len(ref.Sample))
	if ref.TimeNanos != 0 {
		require.Equal(t, ref.TimeNanos, got.Time.UnixNano())
	}
	var total int64
	for i, s := range ref.Sample {
		var frames []*collector.Frame
		for _, l := range s.Location {
			if len(l.Line) == 0 {
				frames = append(frames, &collector.Frame{})
			}
			for _, ln := range l.Line {
				fr := &collector.Frame{Line: int(ln.Line)}
				if ln.Function != nil {
					fr.Func, fr.File = ln.Function.Name, ln.Function.Filename
				}
				frames = append(frames, fr)
			}
		}
		labels := map[string]string{}
		for k, v := range s.Label {
			labels[k] = strings.Join(v, ",")
		}
		rec := got.Records[i]
		require.Equal(t, s.Value[0], rec.Count)
		require.Len(t, rec.Frames, len(frames))
		for j := range frames {
			require.Equal(t, frames[j], rec.Frames[j])
		}
		require.Len(t, rec.Labels, len(labels))
		for k, v := range labels {
			require.Equal(t, v, rec.Labels[k])
		}
		total += s.Value[0]
	}
	require.Equal(t, total, got.Total)
}

func TestBadInput(t *testing.T) {
	good := proto("goroutine", 3, 4)
	plain := decompress(good)
	png := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x04\x00")
	zeros := func(n int64) io.Reader {
		r, w := io.Pipe()
		go func() {
			zw := gzip.NewWriter(w)
			_, err := io.CopyN(zw, zero{}, n)
			if err == nil {
				err = zw.Close()
			}
			_ = w.CloseWithError(err)
		}()
		t.Cleanup(func() { _ = r.Close() })
		return r
	}
	missing := func(change func(*profile.Profile)) string {
		p, err := profile.ParseData(good)
		require.NoError(t, err)
		change(p)
		return string(encode(p))
	}
	small := Limits{Body: 1 << 20, Decoded: 1 << 20, Stacks: 100, Depth: 10}
	for name, tc := range map[string]struct {
		in     any // string or io.Reader
		reason collector.Reason
		text   string
	}{
		"empty":                    {"", collector.ReasonNotProfile, "it is empty, not a profile"},
		"blank":                    {" \r\n\n", collector.ReasonNotProfile, "it is empty, not a profile"},
		"empty, compressed":        {string(compress(nil)), collector.ReasonNotProfile, "it is empty, not a profile"},
		"web page":                 {"\n<!doctype html><html>", collector.ReasonNotProfile, "that is a web page, not a profile"},
		"web page, compressed":     {string(compress([]byte("<html>"))), collector.ReasonNotProfile, "that is a web page, not a profile"},
		"JSON":                     {`{"error":"no"}`, collector.ReasonNotProfile, `that is text, not a goroutine profile; it begins "{\"error\":\"no\"}"`},
		"a long line":              {strings.Repeat("x", 1000), collector.ReasonNotProfile, strings.Repeat("x", 60) + `"`},
		"picture":                  {string(png), collector.ReasonNotProfile, "binary data that is no profile"},
		"heap":                     {string(proto("alloc_objects", 1)), collector.ReasonNotProfile, "that is a heap profile, not a goroutine profile"},
		"CPU":                      {string(proto("samples", 1)), collector.ReasonNotProfile, "that is a CPU profile, not a goroutine profile"},
		"mutex":                    {string(proto("contentions", 1)), collector.ReasonNotProfile, "that is a mutex or block profile, not a goroutine profile"},
		"threads":                  {string(proto("threadcreate", 1)), collector.ReasonNotProfile, "that is a threadcreate profile"},
		"some other":               {string(proto("wall", 1)), collector.ReasonNotProfile, `that is a profile of "wall", not a goroutine profile`},
		"heap, text":               {"heap profile: 1: 2 [3: 4] @ heap/1048576\n", collector.ReasonNotProfile, "that is a heap profile"},
		"threads, text":            {"threadcreate profile: total 9\n", collector.ReasonNotProfile, "that is a threadcreate profile"},
		"custom, text":             {"conns profile: total 9\n", collector.ReasonNotProfile, `that is a profile of "conns", not a goroutine profile`},
		"mutex, text":              {"--- mutex:\ncycles/second=1\n", collector.ReasonNotProfile, "that is a mutex profile"},
		"truncated gzip":           {string(good[:len(good)-9]), collector.ReasonTruncated, "the gzip stream ends early, after"},
		"truncated gzip header":    {string(good[:5]), collector.ReasonTruncated, "the gzip stream ends early, after 0"},
		"truncated":                {string(plain[:len(plain)-3]), collector.ReasonTruncated, "it ends at byte"},
		"truncated between fields": {"\x0a\x02\x08\x01\x32\x00", collector.ReasonTruncated, "string 1 of 1 is missing; is it complete?"},
		"damaged gzip":             {string(flip(good, len(good)-3)), collector.ReasonBadData, "damaged after"},
		"damaged":                  {string(flip(plain, 3)), "", ""},
		"negative count":           {string(proto("goroutine", 1, -2)), collector.ReasonBadData, "-2 goroutines; is it the difference of two profiles?"},
		"overflow":                 {string(proto("goroutine", math.MaxInt64, 1)), collector.ReasonBadData, "overflows"},
		"no sample type":           {missing(func(p *profile.Profile) { p.SampleType, p.Sample = nil, nil }), collector.ReasonNotProfile, "without a sample type"},
		"no values":                {"\x0a\x02\x08\x01\x12\x00\x32\x00\x32\x09goroutine", collector.ReasonBadData, "sample 1 (byte 6): it has no value"},
		"missing location":         {"\x0a\x02\x08\x01\x12\x04\x08\x05\x10\x01\x32\x00\x32\x09goroutine", collector.ReasonBadData, "sample 1: one of its locations is missing"},
		"missing function":         {"\x0a\x02\x08\x01\x22\x06\x08\x01\x22\x02\x08\x07\x32\x00\x32\x09goroutine", collector.ReasonBadData, "function 7 is missing"},
		"a location twice":         {"\x0a\x02\x08\x01\x22\x02\x08\x01\x22\x02\x08\x01", collector.ReasonBadData, "location 1 is there twice"},
		"a function twice":         {"\x0a\x02\x08\x01\x2a\x02\x08\x01\x2a\x02\x08\x01", collector.ReasonBadData, "function 1 is there twice"},
		"endless varint":           {"\x0a\x02\x08\x01" + strings.Repeat("\xff", 20), collector.ReasonBadData, "malformed at byte 4"},
		"gzip bomb in gzip":        {string(compress(compress(make([]byte, 2<<20)))), collector.ReasonTooLarge, "more than 1048576 bytes when decompressed"},
		"gzip in gzip in gzip":     {string(compress(compress(good))), collector.ReasonNotProfile, "binary data that is no profile"},
		"gzip bomb":                {zeros(1 << 30), collector.ReasonTooLarge, "more than 1048576 bytes when decompressed"},
		"too long":                 {endless(oneDump, 2<<20), collector.ReasonTooLarge, "more than 1048576 bytes"},
		"too many stacks":          {string(proto("goroutine", make([]int64, 101)...)), collector.ReasonTooLarge, "more than 100 stacks"},
		"too many stacks, debug=1": {"goroutine profile: total 101\n" + strings.Repeat("1 @ 0x1\n\n", 101), collector.ReasonTooLarge, "line 202: more than 100 stacks"},
		"too many stacks, debug=2": {distinctDump(101), collector.ReasonTooLarge, "more than 100 stacks"},
		"a huge part":              {"\x0a\x02\x08\x01\x32\xff\xff\xff\xff\x7f", collector.ReasonTooLarge, "a part of 34359738367 bytes"},
		"debug=1 cut":              {"goroutine profile: total 9\n3 @ 0x1\n#\t0x1\tmain.f+0x1\t/f.go:1\n\n", collector.ReasonTruncated, "line 4: it ends after 3 of 9 goroutines"},
		"debug=1 cut in a line":    {"goroutine profile: total 3\n3 @ 0x1\n#\t0x1\tmain.f", collector.ReasonTruncated, "line 3: it ends within a line"},
		"debug=1 with more":        {"goroutine profile: total 1\n3 @ 0x1\n\n", collector.ReasonBadData, "3 goroutines, but the first line says 1"},
		"debug=1 without number":   {"goroutine profile: total x\n", collector.ReasonBadData, `line 1: total "x" is no number`},
		"debug=1 negative":         {"goroutine profile: total 1\n-3 @ 0x1\n\n", collector.ReasonBadData, "line 2: a count of -3"},
		"debug=1 overflow":         {"goroutine profile: total 1\n9223372036854775807 @ 0x1\n\n1 @ 0x1\n\n", collector.ReasonBadData, "overflows"},
		"debug=1 with text":        {"goroutine profile: total 1\nhello\n", collector.ReasonBadData, `line 2: want "COUNT @ ADDRESSES", have "hello"`},
		"debug=1 stray frame":      {"goroutine profile: total 1\n#\t0x1\n", collector.ReasonBadData, "line 2: a frame without a count"},
		"debug=2 cut in a stack":   {oneDump + "goroutine 8 [select]:\nmain.f(0x1)\n", collector.ReasonTruncated, "line 8: it ends within goroutine 8"},
		"debug=2 cut at a header":  {oneDump + "goroutine 8 [select]:\n", collector.ReasonTruncated, "line 7: it ends within goroutine 8"},
		"debug=2 id overflow":      {"goroutine 99999999999999999999 [select]:\n", collector.ReasonBadData, "line 1: the id of a goroutine overflows"},
		"debug=2 wait overflow":    {"goroutine 1 [select, 9223372036854775807 minutes]:\n", collector.ReasonBadData, "is no waiting time"},
		"reading fails":            {io.MultiReader(strings.NewReader(oneDump), failing{}), collector.ReasonTruncated, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			in, ok := tc.in.(io.Reader)
			if !ok {
				in = strings.NewReader(tc.in.(string))
			}
			p, err := Parse(in, fetched, small)
			if tc.reason == "" {
				require.True(t, err == nil || collector.ReasonOf(err) != collector.ReasonOther)
				return
			}
			require.ErrorContains(t, err, tc.text)
			require.Equal(t, tc.reason, collector.ReasonOf(err), "%v", err)
			require.Nil(t, p)
		})
	}
}

func flip(data []byte, at int) []byte {
	out := bytes.Clone(data)
	out[at] ^= 0x40
	return out
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func distinctDump(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "goroutine %d [select]:\nmain.f%d()\n\t/src/f.go:1 +0x1\n\n", i+1, i)
	}
	return b.String()
}

func TestDepthIsCut(t *testing.T) {
	lim := Limits{Depth: 3}
	deep := "goroutine 1 [select]:\n" + strings.Repeat("main.f()\n\t/f.go:1 +0x1\n", 9) + "created by main.main in goroutine 1\n\t/m.go:2 +0x1\n\n"
	p, err := Parse(strings.NewReader(deep), fetched, lim)
	require.NoError(t, err)
	require.Len(t, p.Records[0].Frames, 3)
	require.Equal(t, "main.main", p.Records[0].CreatedBy.Func)

	p, err = Parse(strings.NewReader("goroutine profile: total 1\n1 @ 0x1\n"+strings.Repeat("#\t0x1\tmain.f+0x1\t/f.go:1\n", 9)+"\n"), fetched, lim)
	require.NoError(t, err)
	require.Len(t, p.Records[0].Frames, 3)

	f := &profile.Function{ID: 1, Name: "main.f"}
	l := &profile.Location{ID: 1, Line: []profile.Line{{Function: f}, {Function: f}}}
	p, err = Parse(bytes.NewReader(encode(&profile.Profile{
		SampleType: []*profile.ValueType{{Type: "goroutine"}}, Function: []*profile.Function{f}, Location: []*profile.Location{l},
		Sample: []*profile.Sample{{Location: []*profile.Location{l, l, l, l}, Value: []int64{1}}},
	})), fetched, lim)
	require.NoError(t, err)
	require.Len(t, p.Records[0].Frames, 3)
}

// Megabytes in one name or label cost megabytes, once.
func TestLongStrings(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	f := &profile.Function{ID: 1, Name: "main." + long}
	l := &profile.Location{ID: 1, Line: []profile.Line{{Function: f}}}
	p, err := Parse(bytes.NewReader(encode(&profile.Profile{
		SampleType: []*profile.ValueType{{Type: "goroutine"}}, Function: []*profile.Function{f}, Location: []*profile.Location{l},
		Sample: []*profile.Sample{{Location: []*profile.Location{l}, Value: []int64{1}}},
	})), fetched, Limits{})
	require.NoError(t, err)
	require.Len(t, p.Records[0].Frames[0].Func, 5+len(long))

	p = parse(t, "goroutine 1 [select labels:{\"a\": \""+long+"\"}]:\nmain.f()\n\t/f.go:1\n\n"+oneDump)
	require.EqualValues(t, 2, p.Total)
	require.Equal(t, "main.f", p.Records[0].Frames[0].Func)
	require.Equal(t, "select", p.Records[0].State)
}

// The memory for a dump follows its distinct stacks, not its length.
func TestDebug2MemoryIsBounded(t *testing.T) {
	const size = 60 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	count := size / len(oneDump)
	p, err := Parse(&numbered{text: strings.Replace(oneDump, "goroutine 7 ", "goroutine 0000000 ", 1), count: count}, fetched, Limits{})
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	require.Len(t, p.Records, 1)
	require.EqualValues(t, count, p.Total)
	ids := uint64(8 * p.Total)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, 1<<20+8*ids, "bytes allocated, with those of the growing list of ids")
}

// Goroutines with a known stack take a fast path, as long as they have the runtime's own form.
// Both paths agree, wherever the buffer ends and whatever is between two goroutines.
func TestDebug2KnownStacks(t *testing.T) {
	var b strings.Builder
	for id := range 3000 {
		fmt.Fprintf(&b, "goroutine %d [select, %d minutes] {tenant: t%d, shard: \"7\"}:\nmain.f%d(0x%x, {0x1, ...}, 0x%d?)\n\t/src/a b/f.go:%d +0x%x\nmain.(*T).g[...](...)\n\t/src/g.go:3\ncreated by main.start.func1 in goroutine %d\n\t/src/s.go:1 +0x%x\n\n", id+1, id%7, id%3, id%5, id, id, id%2, id, id, id)
		switch id % 50 {
		case 7:
			b.WriteString("a line of a log\n\n")
		case 9:
			fmt.Fprintf(&b, "goroutine %d [select]:\nmain.f1(0x1)\nanother line (in 3 s)\n\t/src/a b/f.go:1 +0x1\nmain.(*T).g[...](...)\n\t/src/g.go:3\n", 10_000+id)
		case 11:
			fmt.Fprintf(&b, "goroutine %d [running]:\n\tgoroutine running on other thread; stack unavailable\n\n", 20_000+id)
		case 13:
			fmt.Fprintf(&b, "goroutine 0 [idle]:\nmain.f1(0x1)\n\t/src/f.go:1 +0x1\n\n")
		}
	}
	want := parse(t, strings.ReplaceAll(b.String(), "\n", "\r\n"))
	require.EqualValues(t, 3120, want.Total)
	require.Equal(t, want, parse(t, b.String()))
	p, err := Parse(iotest.OneByteReader(strings.NewReader(b.String())), fetched, Limits{})
	require.NoError(t, err)
	require.Equal(t, "debug=2 dump; 240 lines that belong to no goroutine ignored", p.ReadAs)
	p.ReadAs = ""
	require.Equal(t, want, p)
}
