package alerting

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// mill returns a leak of a library whose caller was found in another profile.
func mill(link leak.Link) leak.Leak {
	l := checkout()
	file := "/root/go/pkg/mod/gopkg.in/natefinch/lumberjack.v2@v2.2.1/lumberjack.go"
	frame := collector.Frame{Func: "gopkg.in/natefinch/lumberjack.v2.(*Logger).millRun", File: file, Line: 379}
	l.Stacks = []leak.StackGrowth{{
		Signature: "mill", Op: "chan receive", Frames: []collector.Frame{frame}, Key: frame, Head: 1904, Share: 0.97,
		CreatedBy: collector.Frame{Func: "gopkg.in/natefinch/lumberjack.v2.(*Logger).mill.func1", File: file, Line: 390},
		Callers: []leak.Caller{{
			Frame: collector.Frame{Func: "main.(*jobs).run", File: "/src/jobs/main.go", Line: 30},
			Calls: "gopkg.in/natefinch/lumberjack.v2.(*Logger).Write", Link: link, Seen: collector.KindHeap,
		}},
	}}
	return l
}

// The alert names the caller of a library, and says how sure that is.
func TestAlertNamesTheCaller(t *testing.T) {
	a := Render(mill(leak.LinkStarter), Warning, render()).Annotations
	require.Contains(t, a["summary"], "lumberjack.v2.(*Logger).millRun")
	require.Contains(t, a["summary"], ", from main.(*jobs).run")
	require.Contains(t, a["stack_diff"], "lumberjack.go:379 (v2.2.1)")
	require.Contains(t, a["stack_diff"], "  called by main.(*jobs).run")
	require.Contains(t, a["description"], "Caller: main.(*jobs).run (main.go:30) calls gopkg.in/natefinch/lumberjack.v2.(*Logger).Write, which starts them; seen in a heap profile.")
	require.Contains(t, a["description"], "Usually: each Logger of gopkg.in/natefinch/lumberjack.v2 v2.2.1 starts a goroutine")

	l := mill(leak.LinkStarter)
	l.Stacks[0].Callers[0].From = collector.Frame{Func: "main.(*schedule).nightly", File: "/src/jobs/main.go", Line: 61}
	a = Render(l, Warning, render()).Annotations
	require.Contains(t, a["stack_diff"], "    which is called by main.(*schedule).nightly")
	require.Contains(t, a["description"], "Caller: main.(*jobs).run (main.go:30), called by main.(*schedule).nightly (main.go:61), calls gopkg.in/")

	a = Render(mill(leak.LinkPackage), Warning, render()).Annotations
	require.Contains(t, a["summary"], ", perhaps from main.(*jobs).run")
	require.Contains(t, a["stack_diff"], "  perhaps called by main.(*jobs).run")
	require.Contains(t, a["description"], "of the same package; seen in a heap profile, so it may start them.")
	require.Contains(t, Text(mill(leak.LinkType), render()), "of the same type; seen in a heap profile, so it probably starts them")
	l = mill(leak.LinkLibrary)
	l.Stacks[0].Callers = append(l.Stacks[0].Callers, leak.Caller{Frame: collector.Frame{Func: "main.loop", File: "/src/jobs/main.go", Line: 80}, Link: leak.LinkCreator, Seen: collector.KindGoroutine})
	require.Contains(t, Text(l, render()), "so it may start them; a goroutine that runs main.loop (main.go:80) has started them")
	l.Stacks[0].Callers = l.Stacks[0].Callers[1:]
	require.Contains(t, Text(l, render()), "Caller: a goroutine that runs main.loop (main.go:80) has started them; what it called for that was not seen")
	require.Contains(t, Text(mill(leak.LinkType), render()), "Module: gopkg.in/natefinch/lumberjack.v2 v2.2.1")
}

// Where no profile shows the caller, the alert says how to find it.
func TestAlertSaysWhatToSearchFor(t *testing.T) {
	l := mill(leak.LinkStarter)
	l.Stacks[0].Callers = nil
	require.Contains(t, Text(l, render()), "Caller: no profile has shown it yet; search your code for uses of the type Logger of gopkg.in/natefinch/lumberjack.v2")
	l = mill(leak.LinkCreator)
	require.Contains(t, Render(l, Warning, render()).Annotations["description"], "has started them; what it called for that was not seen, so search it for uses of the type Logger of gopkg.in/natefinch/lumberjack.v2.")
	require.NotContains(t, Text(checkout(), render()), "search your code", "its own code leaks")
}

// Who runs a released program changes its clients, not its code.
func TestAlertOfAReleasedProgram(t *testing.T) {
	l := mill(leak.LinkStarter)
	l.Stacks[0].Callers, l.Stacks[0].Program = nil, "github.com/acme/relay v1.2.0"
	text := Text(l, render())
	require.Contains(t, text, "Usually: github.com/acme/relay v1.2.0 is not your code: look for clients")
	require.NotContains(t, text, "search your code")
}

func TestAlertNamesACallback(t *testing.T) {
	l := mill(leak.LinkCallback)
	text := Text(l, render())
	require.Contains(t, text, "Caller: main.(*jobs).run (main.go:30) runs in goroutines of the same beginning, called by gopkg.in/natefinch/lumberjack.v2.(*Logger).Write; seen in a heap profile, so who hands it over probably starts them")
	require.Contains(t, text, "  others run main.(*jobs).run")
	require.Contains(t, Text(mill(leak.LinkConstructor), render()), ", which makes something in the same package; seen in a heap profile, so it probably starts them")
}

// The one goroutine that holds up the others comes first.
func TestAlertNamesTheHolder(t *testing.T) {
	l := checkout()
	add := collector.Frame{Func: "main.(*ledger).add", File: "/src/ledger/main.go", Line: 24}
	l.Stacks = []leak.StackGrowth{{
		Signature: "add", Op: "sync.Mutex.Lock", Frames: []collector.Frame{{Func: "sync.(*Mutex).Lock", File: "mutex.go", Line: 46}, add}, Key: add, Head: 1904, Share: 0.97,
		Holder: &leak.Holder{
			Signature: "flush", Op: "IO wait", Key: collector.Frame{Func: "main.(*ledger).flush", File: "/src/ledger/main.go", Line: 41}, Count: 1,
			Since: l.Onset,
		},
	}}
	a := Render(l, Warning, render()).Annotations
	require.Contains(t, a["summary"], "main.(*ledger).flush probably holds up main.(*ledger).add")
	group := l
	group.Stacks = []leak.StackGrowth{l.Stacks[0]}
	group.Stacks[0].Frames = []collector.Frame{{Func: "golang.org/x/sync/singleflight.(*Group).Do", File: "singleflight.go", Line: 99}, add}
	require.Contains(t, Render(group, Warning, render()).Annotations["summary"], "main.(*ledger).flush probably holds up singleflight.(*Group).Do")
	group.Stacks[0].Holder = &leak.Holder{Key: collector.Frame{Func: "github.com/deckarep/golang-set.(*threadSafeSet).Iter.func1"}, Op: "chan send", Count: 1}
	require.Contains(t, Render(group, Warning, render()).Annotations["summary"], ": golang-set.(*threadSafeSet).Iter.func1 may hold up others")
	lines := strings.Split(a["stack_diff"], "\n")
	require.Equal(t, []string{"main.(*ledger).add", "main.go:24"}, strings.Fields(lines[1]), "receivers rely on it")
	require.Equal(t, "  probably held up by 1 goroutine in main.(*ledger).flush (main.go:41), in IO wait since 14:02 UTC", lines[2])
	require.Contains(t, a["description"], "give what it waits for a deadline")
}

// A wait has the time of its dump, and a rate is the current one.
func TestOldWaitsAndRecentRates(t *testing.T) {
	l := checkout()
	l.Stacks[0].Wait, l.Stacks[0].WaitAt = 12*time.Minute, l.UpdatedAt.Add(-5*time.Minute)
	require.Contains(t, Text(l, render()), "blocked up to 12 min\n")
	l.Stacks[0].WaitAt = l.UpdatedAt.Add(-3 * time.Hour)
	require.Contains(t, Text(l, render()), "blocked up to 12 min at 19:59 UTC\n")

	require.NotContains(t, summary(l, Warning, render()), "now")
	l.Leaked = 446
	require.Contains(t, summary(l, Warning, render()), "leaks 212 goroutines/h now, 446 since 14:02 UTC")
	require.Contains(t, headline(l), "+212 goroutines/h now, 446 since 14:02 UTC")
}

// If a call of a library does not return, the summary names both if there is room.
func TestSummaryNamesTheCallOfALibrary(t *testing.T) {
	l := checkout()
	render1 := func(service string) string {
		f := collector.Frame{Func: service, File: "/src/shop/main.go", Line: 22}
		l.Stacks[0].Frames = []collector.Frame{{Func: "golang.org/x/sync/semaphore.(*Weighted).Acquire", File: "semaphore.go", Line: 70}, f}
		l.Stacks[0].Key = f
		return summary(l, Warning, render())
	}
	require.Contains(t, render1("main.cut"), " in main.cut (main.go:22), waiting in semaphore.(*Weighted).Acquire")
	require.Contains(t, render1("main.(*resized).draw"), " in main.(*resized).draw, waiting in semaphore.(*Weighted).Acquire")
	require.Contains(t, render1("main.(*thumbnails).render"), " in main.(*thumbnails).render → semaphore.(*Weighted).Acquire")
	require.Contains(t, render1("main.(*thumbnailsOfPictures).render"), " in main.(*thumbnailsOfPictures).render (main.go:22)")
}

func TestSummaryKeepsTheBeginningOfAName(t *testing.T) {
	l := checkout()
	f := collector.Frame{Func: "main.(*catalogue).teaser.(*catalogue).all.func1", File: "main.go", Line: 20}
	l.Stacks[0].Frames, l.Stacks[0].Key = []collector.Frame{f}, f
	require.Contains(t, summary(l, Warning, render()), " in main.(*catalogue).teaser.(*catalogue).all.func1")
}
