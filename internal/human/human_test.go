package human

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNumbers(t *testing.T) {
	for in, want := range map[float64]string{
		0: "0", 0.04: "0", 0.4: "0.4", -0.4: "-0.4", 9.96: "10", 9.5: "9.5", 3: "3", 212.4: "212",
		999: "999", 999.6: "1,000", 1904: "1,904", -1904: "-1,904", 1e6: "1,000,000",
		1e300: "1e+300", -1e15: "-1e+15", 999_999_999_999_999: "999,999,999,999,999",
		math.Inf(1): "∞", math.Inf(-1): "-∞",
	} {
		require.Equal(t, want, Number(in), "%v", in)
	}
	require.Equal(t, "?", Number(math.NaN()))
	require.Equal(t, "-9,223,372,036,854,775,808", Count(math.MinInt64))
	require.Equal(t, "+1,904", Change(1904))
	require.Equal(t, "-12", Change(-12))
	require.Equal(t, "1 stack", Plural(1, "stack", "stacks"))
	require.Equal(t, "0 stacks", Plural(0, "stack", "stacks"))
	for in, want := range map[float64]string{0: "0 %", 0.001: "1 %", 0.97: "97 %", 0.999: "99 %", 1: "100 %", 1.2: "120 %"} {
		require.Equal(t, want, Percent(in), "%v", in)
	}
	require.Equal(t, "?", Percent(math.NaN()))
}

func TestTimes(t *testing.T) {
	for in, want := range map[time.Duration]string{
		0: "0 s", 42 * time.Second: "42 s", 119 * time.Second: "119 s", 2 * time.Minute: "2 min",
		118 * time.Minute: "118 min", 9 * time.Hour: "9 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 days",
		463 * time.Hour: "19 days", 1000 * 24 * time.Hour: "2 years", -time.Hour: "-60 min",
	} {
		require.Equal(t, want, Duration(in), "%v", in)
	}
	require.Equal(t, "over 200 years", Hours(math.Inf(1)))
	require.Equal(t, "19 days", Hours(462.7))

	at := time.Date(2026, 3, 2, 14, 2, 59, 0, time.FixedZone("CET", 3600))
	require.Equal(t, "13:02 UTC", Time(at, at.Add(time.Hour)))
	require.Equal(t, "2026-03-02 13:02 UTC", Time(at, at.Add(24*time.Hour)))
	require.Equal(t, "2026-03-02 13:02 UTC", FullTime(at))
	require.Equal(t, "?", FullTime(time.Time{}))
}

func TestNames(t *testing.T) {
	require.Equal(t, "handler.go:29", Place("/src/app/handler.go", 29))
	require.Equal(t, "handler.go:29", Place(`C:\src\app\handler.go`, 29))
	require.Equal(t, "handler.go", Place("handler.go", 0))
	require.Empty(t, Place("", 7))

	require.Equal(t, "main.logHandler.func1", Func("main.logHandler.func1", 40))
	require.Equal(t, "x.Map[...].func1", Func("x.Map[go.shape.struct { a [3]int }].func1", 40))
	require.Equal(t, "pkg.(*Server).handle", Func("github.com/a/very/long/path/of/pkg.(*Server).handle", 30))
	require.Equal(t, "backoff/v2.(*controller).loop", Func("github.com/lestrrat-go/backoff/v2.(*controller).loop", 44))
	require.Equal(t, "v2.(*controller).loop", Func("github.com/lestrrat-go/backoff/v2.(*controller).loop", 22), "there is no more room")
	require.Equal(t, "…andle", Func("github.com/pkg.(*Server).handle", 6))
}

func FuzzLine(f *testing.F) {
	f.Add("plain", 10)
	f.Add("a\u202eb\x00\n\xff<script>", 4)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(n%1000, 1)
		got := Line(s, n)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > n {
			t.Fatalf("%q in %d characters", got, n)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q holds %U", got, r)
			}
		}
		if n >= 8 && utf8.RuneCountInString(Func(s, n)) > n {
			t.Fatalf("Func(%q, %d) is too long", s, n)
		}
	})
}

func TestLine(t *testing.T) {
	require.Equal(t, "a b\uFFFDc\uFFFD", Line("a\nb\u202ec\xff", 20))
	require.Equal(t, "abc…", Line("abcdef", 4))
	require.Equal(t, "abcd", Line("abcd", 4))
	require.Equal(t, 100, utf8.RuneCountInString(Line(strings.Repeat("é", 1<<16), 100)))
}
