package alerting

import (
	"cmp"
	"strings"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// summary says in one line which service leaks, how fast, since when and where. A
// critical alert says which limit is near instead of the onset.
func summary(l leak.Leak, s Severity, o RenderOptions) string {
	what, began := " leaks "+rate(l), sinceOf(l)
	if s == Info {
		what = " may leak " + rate(l)
	}
	switch plateaued := !l.PlateauedAt.IsZero(); {
	case s == Info:
	case l.State == leak.Resolved && (plateaued || !(l.Rate.Value > 0)), paused(l) && len(l.Instances) == 0:
		what, began = " leaked", since(l)
	case plateaued && l.State != leak.Resolved, paused(l):
		what = " holds " + human.Number(l.Leaked) + " leaked goroutines"
		began = since(l)
	}
	service := human.Line(ServiceName(l.Service), 36)
	if ps := projections(l, o); s == Critical && len(ps) > 0 {
		text := service + ": " + ps[0].words() + "," + what
		return inertLine(text+where(l, maxSummary-len([]rune(text))), maxSummary)
	}
	text := service + what + began
	return inertLine(text+where(l, maxSummary-len([]rune(text))), maxSummary)
}

// where says in at most about n characters where a leak is: the function to look at, and what
// it is connected with: the goroutine that holds it up, the caller of its library, or the
// library call that it waits in. If there is not enough room, places are left out first.
func where(l leak.Leak, n int) string {
	if len(l.Stacks) == 0 {
		return ""
	}
	s := l.Stacks[0]
	f := lead(s)
	if f.Func == "" {
		return ""
	}
	short := " in " + human.Func(f.Func, funcWidth(f.Func))
	long := short
	if at := human.Place(f.File, f.Line); at != "" {
		long += " (" + human.Line(at, 24) + ")"
	}
	rest := Related(s)
	call := libraryCall(s)
	first, shorter, shortest := "", "", ""
	if s.Holder != nil {
		holder, held := brief(s.Holder.Key.Func), brief(cmp.Or(call, f.Func))
		first, shorter, shortest = ": "+holder+" probably holds up "+held, ": "+holder+" may hold up "+held, ": "+holder+" may hold up others"
	}
	chain := ""
	if call != "" && len(s.Callers) == 0 {
		chain = short + " → " + brief(call)
	}
	for _, text := range []string{first, shorter, shortest, long + rest, short + rest, chain, long} {
		if text != "" && len([]rune(text)) <= n {
			return text
		}
	}
	return long
}

// brief returns the name of a function without the path of its package, since there is little
// room.
func brief(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		if human.IsMajorVersion(name[i+1:]) {
			i = strings.LastIndexByte(name[:i], '/')
		}
		name = name[i+1:]
	}
	return human.Func(name, 44)
}

// funcWidth returns how many characters of a function's name a summary shows: 44, and a few
// more where that saves its beginning.
func funcWidth(name string) int {
	const usual, most = 44, 56
	if n := len([]rune(human.Func(name[strings.LastIndexByte(name, '/')+1:], 200))); n > usual && n <= most {
		return n
	}
	return usual
}

// Related says in a few words what the frame to look at is connected with, beginning with a
// comma: the goroutine that holds it up, the caller of its library, or the library call that it
// waits in. It is empty if nothing is known.
func Related(s leak.StackGrowth) string {
	switch {
	case s.Holder != nil:
		return ", probably held up by " + brief(s.Holder.Key.Func)
	case len(s.Callers) > 0 && isStarter(s.Callers[0]):
		return ", from " + brief(s.Callers[0].Frame.Func)
	case len(s.Callers) > 0:
		return ", perhaps from " + brief(s.Callers[0].Frame.Func)
	}
	if c := libraryCall(s); c != "" {
		return ", waiting in " + brief(c)
	}
	return ""
}

// libraryCall returns the library function that the frame to look at has called and that does
// not return; empty: the frame itself waits.
func libraryCall(s leak.StackGrowth) string {
	call := ""
	for _, f := range s.Frames {
		if f == s.Key {
			break
		}
		if !stack.Standard(f) {
			call = f.Func
		}
	}
	return call
}

// inertLine turns a text into one inert line of at most n characters.
func inertLine(s string, n int) string { return human.Line(inert(human.Line(s, n)), n) }
