package pprof

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// parts returns a reader of n parts that part makes.
func parts(n int, part func(i int) []byte) io.Reader {
	return &partReader{n: n, part: part}
}

type partReader struct {
	i, n int
	part func(int) []byte
	rest []byte
}

func (r *partReader) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		if len(r.rest) == 0 {
			if r.i == r.n {
				if n == 0 {
					return 0, io.EOF
				}
				return n, nil
			}
			r.rest = r.part(r.i)
			r.i++
		}
		m := copy(b[n:], r.rest)
		n, r.rest = n+m, r.rest[m:]
	}
	return n, nil
}

func always(b []byte) func(int) []byte { return func(int) []byte { return b } }

// allocated returns the bytes that f allocates, which is at least what it holds at any time.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Whatever a profile repeats, decoding it takes bounded memory and time: it is read, or refused
// as too large.
func TestHostileProfiles(t *testing.T) {
	long := strings.Repeat("x", 64<<10)
	label := wire{}.msg(sampleLabel, wire{}.num(labelKey, keyString).num(labelStr, valueString))
	distinct := func(n int) (labels, strs wire) {
		for i := range n {
			labels = labels.msg(sampleLabel, wire{}.num(labelKey, uint64(valueString+1+i)).num(labelStr, keyString))
			strs = strs.text(fmt.Sprintf("k%d", i))
		}
		return labels, strs
	}
	manyLabels, manyKeys := distinct(20_000)
	sixtyLabels, sixtyKeys := distinct(60)
	id := func(i int) uint64 { return uint64(i) + 1<<40 }
	bigText := wire{}.text(long)
	big := func(i int) []byte {
		binary.BigEndian.PutUint64(bigText[len(bigText)-8:], uint64(i))
		return bigText
	}

	for name, tc := range map[string]struct {
		in     io.Reader
		reason collector.Reason // empty: it is read
	}{
		"a label key again and again": {in: io.MultiReader(bytes.NewReader(begin(strings.Repeat("v", 100))),
			bytes.NewReader(one(bytes.Repeat(label, 50_000))))},
		"a long label key again and again": {in: io.MultiReader(bytes.NewReader(begin(long)),
			bytes.NewReader(one(bytes.Repeat(label, 50_000))))},
		"labels in one sample": {in: bytes.NewReader(append(append(begin(""), one(manyLabels)...), manyKeys...))},
		"labels in every sample": {in: io.MultiReader(bytes.NewReader(append(begin(""), sixtyKeys...)),
			parts(50_000, always(one(sixtyLabels)))), reason: collector.ReasonTooLarge},
		"a label of two long values in every sample": {in: io.MultiReader(bytes.NewReader(begin(long)),
			parts(100_000, always(one(bytes.Repeat(label, 2))))), reason: collector.ReasonTooLarge},
		"strings that nothing uses": {in: io.MultiReader(bytes.NewReader(begin("")), bytes.NewReader(one(nil)),
			parts(3000, big))},
		"strings that functions use": {in: io.MultiReader(bytes.NewReader(begin("")),
			parts(3000, func(i int) []byte {
				return wire{}.msg(profileFunction, wire{}.num(functionID, uint64(i+1)).num(functionName, uint64(valueString+1+i)))
			}), parts(3000, big)), reason: collector.ReasonTooLarge},
		"empty strings": {in: io.MultiReader(bytes.NewReader(begin("")), parts((1<<24)+1, always(wire{}.text("")))), reason: collector.ReasonTooLarge},
		"the index of a string": {in: bytes.NewReader(append(begin(""),
			wire{}.msg(profileFunction, wire{}.num(functionID, 1).num(functionName, math.MaxUint64))...))},
		"functions": {in: io.MultiReader(bytes.NewReader(begin("")), parts(4<<20, func(i int) []byte {
			return wire{}.msg(profileFunction, wire{}.num(functionID, id(i)))
		})), reason: collector.ReasonTooLarge},
		"locations": {in: io.MultiReader(bytes.NewReader(begin("")), parts(4<<20, func(i int) []byte {
			return wire{}.msg(profileLocation, wire{}.num(locationID, id(i)))
		})), reason: collector.ReasonTooLarge},
		"lines": {in: io.MultiReader(bytes.NewReader(begin("")), parts(20_000, func(i int) []byte {
			return wire{}.msg(profileLocation, append(wire{}.num(locationID, uint64(i+1)), bytes.Repeat(wire{}.msg(locationLine, nil), 512)...))
		})), reason: collector.ReasonTooLarge},
		"lines of one location": {in: io.MultiReader(bytes.NewReader(begin("")), bytes.NewReader(wire{}.msg(profileLocation,
			bytes.Repeat(wire{}.msg(locationLine, nil), 1<<20))))},
		"locations of one sample": {in: io.MultiReader(bytes.NewReader(begin("")),
			bytes.NewReader(wire{}.msg(profileLocation, wire{}.num(locationID, 1))),
			bytes.NewReader(one(wire{}.msg(sampleLocationID, bytes.Repeat([]byte{1}, 3<<20)))))},
		"locations of samples that are nowhere": {in: io.MultiReader(bytes.NewReader(begin("")), parts(20_000, func(i int) []byte {
			var ids wire
			for j := range 200 {
				ids = binary.AppendUvarint(ids, id(200*i+j))
			}
			return one(wire{}.msg(sampleLocationID, ids))
		})), reason: collector.ReasonTooLarge},
		// 100,000 samples of 512 locations of 512 lines.
		"frames": {in: io.MultiReader(bytes.NewReader(begin("")),
			bytes.NewReader(wire{}.msg(profileLocation, append(wire{}.num(locationID, 1), bytes.Repeat(wire{}.msg(locationLine, nil), 512)...))),
			parts(100_000, always(one(wire{}.num(sampleLocationID, 1))))), reason: collector.ReasonTooLarge},
		"values of one sample": {in: bytes.NewReader(append(begin(""), one(wire{}.msg(sampleValue, bytes.Repeat([]byte{0}, 3<<20)))...))},
		"sample types":         {in: io.MultiReader(bytes.NewReader(begin("")), parts(1<<20, always(wire{}.msg(profileSampleType, nil))))},
		"mappings":             {in: io.MultiReader(bytes.NewReader(begin("")), parts(1<<20, always(wire{}.msg(3, []byte("\x08\x01")))))},
		"comments":             {in: io.MultiReader(bytes.NewReader(begin("")), parts(1<<20, always(wire{}.num(13, 1))))},
		"names, debug=1": {in: io.MultiReader(strings.NewReader("goroutine profile: total 1\n1 @ 0x1\n"), parts(300, func(i int) []byte {
			return fmt.Appendf(nil, "#\t0x1\tmain.f%d%s+0x1\t/f.go:1\n", i, long[:60_000])
		}), strings.NewReader("\n")), reason: collector.ReasonTooLarge},
		"names, debug=2": {in: io.MultiReader(strings.NewReader("goroutine 1 [select]:\n"), parts(1000, func(i int) []byte {
			return fmt.Appendf(nil, "main.f%d%s()\n\t/f.go:1 +0x1\n", i, long[:60_000])
		})), reason: collector.ReasonTooLarge},
		"stacks, debug=2": {in: parts(200_000, func(i int) []byte {
			return fmt.Appendf(nil, "goroutine %d [select]:\nmain.f%d()\n\t/f.go:1 +0x1\n\n", i+1, i)
		}), reason: collector.ReasonTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			var p *collector.Profile
			var err error
			got := allocated(func() {
				p, err = Parse(tc.in, fetched, Limits{Body: 256 << 20, Memory: 16 << 20})
			})
			require.Less(t, got, uint64(120<<20), "bytes allocated")
			if tc.reason == "" && err == nil {
				require.NotNil(t, p)
				return
			}
			require.Error(t, err)
			require.Equal(t, tc.reason, collector.ReasonOf(err), "%v", err)
		})
	}
}

// Only part of the labels is kept.
func TestLabelsAreCut(t *testing.T) {
	label := wire{}.msg(sampleLabel, wire{}.num(labelKey, keyString).num(labelStr, valueString))
	of := func(w wire) map[string]string {
		p, err := Parse(bytes.NewReader(w), fetched, Limits{})
		require.NoError(t, err)
		return p.Records[0].Labels
	}
	require.Equal(t, map[string]string{"key": "/cart,/cart,/cart"}, of(append(begin("/cart"), one(bytes.Repeat(label, 3))...)))

	v := of(append(begin(strings.Repeat("ü", 5000)), one(label)...))["key"]
	require.Len(t, v, 1024)
	require.True(t, utf8.ValidString(v))
	v = of(append(begin("x"+strings.Repeat("ü", 5000)), one(label)...))["key"]
	require.Len(t, v, 1023, "no half of a character")

	var labels, strs wire
	for i := range 3 * 64 {
		labels = labels.msg(sampleLabel, wire{}.num(labelKey, uint64(valueString+1+i)).num(labelStr, keyString))
		strs = strs.text(fmt.Sprintf("k%d", i))
	}
	require.Len(t, of(append(append(begin(""), one(labels)...), strs...)), 64)
}

// An impossible count is refused, in every format with counts.
func TestImpossibleCounts(t *testing.T) {
	for name, in := range map[string]string{
		"proto":            string(proto("goroutine", math.MaxInt64)),
		"proto, the sum":   string(proto("goroutine", collector.MaxGoroutines, 1)),
		"debug=1":          "goroutine profile: total 9223372036854775807\n9223372036854775807 @ 0x1\n\n",
		"debug=1, the sum": "goroutine profile: total 100000001\n100000000 @ 0x1\n\n1 @ 0x1\n\n",
	} {
		_, err := Parse(strings.NewReader(in), fetched, Limits{})
		require.ErrorContains(t, err, "more than 100000000, which no program has", name)
		require.Equal(t, collector.ReasonBadData, collector.ReasonOf(err), name)
	}
	_, err := Parse(bytes.NewReader(proto("goroutine", collector.MaxGoroutines)), fetched, Limits{})
	require.NoError(t, err)
}

// The context ends the decoding of bytes that have arrived, not only the reading.
func TestDecodingEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := ReadContext(ctx, bytes.NewReader(proto("goroutine", make([]int64, 1000)...)), fetched, Limits{}, func(collector.Format, *collector.Record) error {
		n++
		cancel()
		return nil
	})
	require.Equal(t, collector.ReasonCanceled, collector.ReasonOf(err))
	require.Equal(t, 1, n)

	n = 0
	ctx, cancel = context.WithCancel(t.Context())
	_, err = ParseContext(ctx, parts(1<<30, func(i int) []byte {
		if n++; n == 1000 {
			cancel()
		}
		if i == 0 {
			return begin("")
		}
		return wire{}.msg(3, nil)
	}), fetched, Limits{Body: math.MaxInt64 - 1})
	require.Equal(t, collector.ReasonCanceled, collector.ReasonOf(err))
	require.Less(t, n, 1<<17, "parts read")

	ctx, cancel = context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	_, err = ParseContext(ctx, bytes.NewReader(proto("goroutine", 1)), fetched, Limits{})
	require.Equal(t, collector.ReasonTimeout, collector.ReasonOf(err), "nothing had been read")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := ReadContext(ctx, bytes.NewReader(proto("goroutine", 1, 2)), fetched, Limits{}, func(collector.Format, *collector.Record) error {
			<-ctx.Done()
			return nil
		})
		require.ErrorContains(t, err, "it takes too long to decode")
		require.Equal(t, collector.ReasonTooLarge, collector.ReasonOf(err), "all of it had been read")
	})
}

// A panic of a decoder becomes an error with a reason.
func TestDecoderPanics(t *testing.T) {
	p, err := Read(bytes.NewReader(proto("goroutine", 1)), fetched, Limits{}, func(collector.Format, *collector.Record) error {
		panic("index out of range")
	})
	require.Nil(t, p)
	require.ErrorContains(t, err, "the decoder failed: index out of range")
	require.Equal(t, collector.ReasonDecoder, collector.ReasonOf(err))
}

// With a budget, only one of many decoders at a time has more than its share, and all of them
// finish.
func TestBudget(t *testing.T) {
	const stacks = 8000
	in := proto("goroutine", make([]int64, stacks)...)
	synctest.Test(t, func(t *testing.T) {
		lim := Limits{Budget: NewBudget(8 << 20)} // shares of 256 KiB, 16 KiB free
		var mtx sync.Mutex
		busy, most := 0, 0
		count := func(n int) {
			mtx.Lock()
			defer mtx.Unlock()
			busy += n
			most = max(most, busy)
		}
		for range 12 {
			go func() {
				n := 0
				_, err := Read(bytes.NewReader(in), fetched, lim, func(collector.Format, *collector.Record) error {
					switch n++; n {
					case 1:
						count(1)
						time.Sleep(time.Second) // so that the others run
					case stacks:
						count(-1)
					}
					return nil
				})
				if n != stacks || err != nil {
					t.Errorf("%d records, %v", n, err)
				}
			}()
		}
		time.Sleep(time.Minute)
		mtx.Lock()
		require.Equal(t, 1, most)
		mtx.Unlock()

		_, err := Parse(bytes.NewReader(proto("goroutine", make([]int64, 20_000)...)), fetched, lim)
		require.Equal(t, collector.ReasonTooLarge, collector.ReasonOf(err), "more than half of the budget")

		// A decoder does not wait longer than its context, and the target is not blamed.
		hold := make(chan struct{})
		go func() {
			_, _ = Read(bytes.NewReader(in), fetched, lim, func(collector.Format, *collector.Record) error {
				<-hold
				return nil
			})
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = ParseContext(ctx, bytes.NewReader(in), fetched, lim)
		require.Equal(t, collector.ReasonBudget, collector.ReasonOf(err), "%v", err)
		_, err = Parse(bytes.NewReader(proto("goroutine", 1)), fetched, lim)
		require.NoError(t, err, "a small one waits for nobody")
		close(hold)
		_, err = Parse(bytes.NewReader(in), fetched, lim)
		require.NoError(t, err, "all was given back")
	})
}

// Slow targets do not block others, however many there are.
func TestSlowTargetsHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lim := Limits{Budget: NewBudget(DefaultBudget)}
		ctx, cancel := context.WithCancel(t.Context())
		for range 100 {
			r, w := io.Pipe()
			context.AfterFunc(ctx, func() { _ = w.Close() })
			go func() { _, _ = w.Write(begin("")) }()
			go func() { _, _ = Parse(r, fetched, lim) }()
		}
		synctest.Wait()
		_, err := Parse(bytes.NewReader(proto("goroutine", make([]int64, 1000)...)), fetched, lim)
		require.NoError(t, err)
		cancel()
	})
}

// The copy of the raw profile counts too.
func TestRawCopyCounts(t *testing.T) {
	noise := wire{}.msg(3, bytes.Repeat([]byte{7}, 1<<20))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(begin(""))
		for range 40 {
			_, _ = w.Write(noise)
		}
	}))
	defer srv.Close()
	u, err := url.Parse(srv.URL + "/debug/pprof/goroutine")
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	_, err = New(Options{Limits: Limits{Memory: 8 << 20}}).Fetch(t.Context(), client, u, collector.KindGoroutine, 0)
	require.ErrorContains(t, err, "more than 8388608 bytes of memory")
	require.Equal(t, collector.ReasonTooLarge, collector.ReasonOf(err))
}

// The default budget is enough for the largest profile that the limit on stacks allows.
func TestManyStacksFit(t *testing.T) {
	lim := Limits{Budget: NewBudget(DefaultBudget)}
	const stacks, depth, places = 200_000, 20, 4000
	var ids wire
	p, err := Parse(io.MultiReader(bytes.NewReader(begin("")),
		parts(stacks, func(i int) []byte {
			ids = ids[:0]
			for j := range depth {
				ids = binary.AppendUvarint(ids, uint64((i+7*j)%places)+1)
			}
			return one(wire{}.msg(sampleLocationID, ids))
		}),
		parts(places, func(i int) []byte {
			fn := wire{}.msg(profileFunction, wire{}.num(functionID, uint64(i+1)).num(functionName, uint64(valueString+1+i)))
			return append(fn, wire{}.msg(profileLocation, wire{}.num(locationID, uint64(i+1)).msg(locationLine, wire{}.num(lineFunctionID, uint64(i+1))))...)
		}),
		parts(places, func(i int) []byte { return wire{}.text(fmt.Sprintf("github.com/acme/shop.f%d", i)) }),
	), fetched, lim)
	require.NoError(t, err)
	require.Len(t, p.Records, stacks)
	require.EqualValues(t, stacks, p.Total)
	require.Equal(t, "github.com/acme/shop.f3999", p.Records[3999].Frames[0].Func)
}
