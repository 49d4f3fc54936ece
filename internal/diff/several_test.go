package diff

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector/pprof"
)

// podDump makes the lines of a dump of n goroutines that wait in a function, with a log's
// prefix.
func podDump(prefix, fn string, n int) (lines []string) {
	for i := range n {
		lines = append(lines, prefix+fmt.Sprintf("goroutine %d [chan send, 12 minutes]:", i+1), prefix+fn+"(0x1)", prefix+"\t/src/main.go:29 +0x1d", prefix)
	}
	return lines
}

// interleaved takes the lines of several sources in turn.
func interleaved(sources ...[]string) string {
	var b strings.Builder
	for i := 0; ; i++ {
		any := false
		for _, lines := range sources {
			if i < len(lines) {
				any = true
				b.WriteString(lines[i] + "\n")
			}
		}
		if !any {
			return b.String()
		}
	}
}

func load(t *testing.T, place, pod string) (total int64, readAs string, warnings []string, err error) {
	t.Helper()
	s, err := (&Loader{Options: pprof.Options{Limits: pprof.Limits{Source: pod}}}).Load(t.Context(), place)
	if err != nil {
		return 0, "", nil, err
	}
	return s.Total, s.ReadAs, s.Warnings, nil
}

// A log of several pods is read completely, in whatever order their lines come.
func TestLogOfSeveralPods(t *testing.T) {
	web, shop, cart := podDump("[pod/web-1/web] ", "main.web", 3), podDump("[pod/shop-2/shop] ", "main.shop", 4), podDump("[pod/cart-3/cart] ", "main.cart", 5)
	for name, text := range map[string]string{
		"by turns":          interleaved(web, shop, cart),
		"one after another": strings.Join(append(append(append([]string{"starting"}, web...), shop...), cart...), "\n") + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			log := write(t, "pods.log", text)
			total, readAs, warnings, err := load(t, log, "")
			require.NoError(t, err)
			require.EqualValues(t, 12, total)
			require.Empty(t, warnings)
			require.Contains(t, readAs, "3 sources of the log added up: [pod/web-1/web] (3), [pod/shop-2/shop] (4), [pod/cart-3/cart] (5)")

			total, readAs, _, err = load(t, log, "shop-2")
			require.NoError(t, err)
			require.EqualValues(t, 4, total)
			require.Contains(t, readAs, "left out by --pod: [pod/web-1/web], [pod/cart-3/cart]")
			total, _, _, err = load(t, log, "-") // two of them would be found by more, all by this
			require.NoError(t, err)
			require.EqualValues(t, 12, total)
			_, _, _, err = load(t, log, "nosuch")
			require.EqualError(t, err, log+`: no dump has the prefix "nosuch"; the prefixes are [pod/web-1/web], [pod/shop-2/shop], [pod/cart-3/cart]`)
		})
	}
	total, _, warnings, err := load(t, write(t, "counts.txt", "goroutine profile: total 5\n5 @ 0x1 0x2\n#\t0x1\tmain.f+0x1\t/src/main.go:29\n"), "")
	require.NoError(t, err)
	require.EqualValues(t, 5, total)
	require.Empty(t, warnings)
	_, _, _, err = load(t, write(t, "bare.txt", strings.Join(podDump("", "main.f", 2), "\n")), "web")
	require.ErrorContains(t, err, "leave --pod out")
}

// A dump that is cut leads to a warning, and the others count.
func TestLogOfAPodThatIsCut(t *testing.T) {
	web, shop := podDump("[pod/web-1/web] ", "main.web", 3), podDump("[pod/shop-2/shop] ", "main.shop", 4)
	total, readAs, warnings, err := load(t, write(t, "pods.log", strings.Join(append(web, shop[:len(shop)-2]...), "\n")+"\n"), "")
	require.NoError(t, err)
	require.EqualValues(t, 3, total)
	require.Contains(t, readAs, "1 sources of the log added up: [pod/web-1/web] (3)")
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], `the dump behind "[pod/shop-2/shop]" cannot be read, so its goroutines are missing`)
}

// Sources with and without a prefix, and with times that differ from line to line.
func TestLogsOfOtherKinds(t *testing.T) {
	stamp := func(lines []string, source string) (out []string) {
		for i, line := range lines {
			out = append(out, fmt.Sprintf("2026-05-01T10:22:%02d.1Z %s %s", i%60, source, line))
		}
		return out
	}
	text := interleaved(stamp(podDump("", "main.a", 6), "node-1 a[7]:"), stamp(podDump("", "main.b", 7), "node-1 b[9]:"))
	total, _, warnings, err := load(t, write(t, "syslog", text), "")
	require.NoError(t, err)
	require.EqualValues(t, 13, total)
	require.Empty(t, warnings)
	text = strings.Join(append(podDump("web-1 | ", "main.a", 2), append([]string{""}, podDump("", "main.b", 3)...)...), "\n") + "\n"
	total, readAs, _, err := load(t, write(t, "mixed", text), "")
	require.NoError(t, err)
	require.EqualValues(t, 5, total)
	require.Contains(t, readAs, "no prefix (3)")
}

// Several profiles of a bundle are listed, chosen, or added up.
func TestSeveralProfilesOfABundle(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, m := range [][2]string{
		{"pods/web-1.txt", strings.Join(podDump("", "main.web", 3), "\n")}, {"pods/shop-2.txt", strings.Join(podDump("", "main.shop", 4), "\n")},
		{"pods/notes.txt", "nothing"}, {"old/web-1.txt", strings.Join(podDump("", "main.web", 9), "\n")},
	} {
		f, err := w.Create(m[0])
		require.NoError(t, err, i)
		_, err = f.Write([]byte(m[1]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	place := write(t, "bundle.zip", b.String())
	_, _, _, err := load(t, place, "")
	require.EqualError(t, err, place+": it holds 3 goroutine profiles: old/web-1.txt, pods/shop-2.txt, pods/web-1.txt; name one, as in "+place+":pods/web-1.txt, or add up those that match a pattern, as in '"+place+":*'")

	for pattern, want := range map[string]int64{"pods/web-1.txt": 3, "pods/*": 7, "web-*.txt": 12, "*": 16, "pods/*-?.txt": 7} {
		total, _, _, err := load(t, place+":"+pattern, "")
		require.NoError(t, err, pattern)
		require.Equal(t, want, total, pattern)
	}
	_, readAs, warnings, err := load(t, place+":pods/*", "")
	require.NoError(t, err)
	require.Equal(t, "2 profiles of the archive added up: pods/web-1.txt (3), pods/shop-2.txt (4)", readAs)
	require.Equal(t, []string{`1 files of the archive that match "pods/*" are no goroutine profiles, such as pods/notes.txt`}, warnings)
	for pattern, want := range map[string]string{"nosuch/*": "no goroutine profile in it matches", "[": "is no pattern"} {
		_, _, _, err := load(t, place+":"+pattern, "")
		require.ErrorContains(t, err, want)
	}
}
