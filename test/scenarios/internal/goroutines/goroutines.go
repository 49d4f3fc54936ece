// Package goroutines shows the tests of the scenarios which goroutines their own process left
// behind, from the same profile that a monitor would read.
package goroutines

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Marker is the comment at the end of the line where a scenario leaks.
const Marker = "// LEAK"

// patience bounds how long a test waits for goroutines to reach their place.
const patience = 2 * time.Minute

// Site is the line where a scenario leaks.
type Site struct {
	t              testing.TB
	function, line string
	before         int
}

// At returns the marked line of the package under test, which is in function.
func At(t testing.TB, function string) Site {
	t.Helper()
	s := Site{t: t, function: function, line: marked(t)}
	s.before = count(t, s.function, s.line)
	return s
}

// Holds waits until exactly want new goroutines are there since the site was made, and fails
// the test if that never happens.
func (s Site) Holds(want int) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		got := count(s.t, s.function, s.line) - s.before
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%d goroutines in %s at %s, want %d", got, s.function, s.line, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// NoneLeft waits until there are no goroutines but those that options ignore, and fails the
// test if that never happens. It gives those that are about to end, such as one of a killed
// process, more time than goleak alone does.
func NoneLeft(t testing.TB, options ...goleak.Option) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		err := goleak.Find(options...)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// count returns the number of goroutines with function at line on their stack.
func count(t testing.TB, function, line string) int {
	t.Helper()
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		t.Fatal(err)
	}
	total := 0
	for record := range strings.SplitSeq(text.String(), "\n\n") {
		// The first record comes after a separate line: "goroutine profile: …".
		if head, rest, _ := strings.Cut(record, "\n"); strings.HasPrefix(head, "goroutine profile:") {
			record = rest
		}
		var n int
		if _, err := fmt.Sscanf(record, "%d @", &n); err != nil || !stands(record, function, line) {
			continue
		}
		total += n
	}
	return total
}

// stands reports whether a frame of record is function at line. A frame reads
// "#	0x4d	example.org/pkg.(*T).method.func1+0x6c	/src/pkg/file.go:12".
func stands(record, function, line string) bool {
	for frame := range strings.SplitSeq(record, "\n") {
		fields := strings.Fields(frame)
		if len(fields) != 4 {
			continue
		}
		name, _, _ := strings.Cut(fields[2], "+0x")
		if strings.HasSuffix(name, "."+function) && strings.HasSuffix(fields[3], "/"+line) {
			return true
		}
	}
	return false
}

// marked finds the one marked line of the package in the working directory,
// as file:line.
func marked(t testing.TB) string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(source), "\n") {
			if strings.HasSuffix(line, Marker) {
				found = append(found, fmt.Sprintf("%s:%d", file, i+1))
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("lines that end with %q: %q, want one", Marker, found)
	}
	return found[0]
}
