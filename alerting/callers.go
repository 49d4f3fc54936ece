package alerting

import (
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/known"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// isStarter reports whether a call is known to lead to the start of the goroutines.
func isStarter(c leak.Caller) bool { return c.Link == leak.LinkStarter }

// callerLine says who calls the library that leaks, how that is known, and how sure it
// is: "main.(*jobs).run (jobs.go:30) calls lumberjack.(*Logger).Write, which starts
// them; seen in a heap profile". If no profile has shown it, it says how to find out.
func callerLine(s leak.StackGrowth) string {
	search := ""
	if s.Program == "" {
		search = stack.SearchFor(s.Frames, s.CreatedBy)
	}
	var callers []leak.Caller
	creators := ""
	for _, c := range s.Callers {
		switch {
		case c.Link != leak.LinkCreator:
			callers = append(callers, c)
		case creators == "":
			creators = "a goroutine that runs " + namedFrame(frame(c.Frame), maxFunc) + " has started them"
		}
	}
	if len(callers) == 0 {
		switch {
		case creators == "" && search == "":
			return ""
		case creators == "":
			return "no profile has shown it yet; search your code for " + search
		case search == "":
			return creators + "; what it called for that was not seen"
		}
		return creators + "; what it called for that was not seen, so search it for " + search
	}
	if creators != "" {
		creators = "; " + creators
	}
	text := ""
	for i, c := range callers {
		if i > 0 {
			text += ", "
		}
		text += namedFrame(frame(c.Frame), maxFunc)
		if i == 0 && c.From.Func != "" {
			text += ", called by " + namedFrame(frame(c.From), maxFunc)
			if len(callers) == 1 {
				text += ","
			}
		}
	}
	verb, it := " calls ", "it"
	if len(callers) > 1 {
		verb, it = " call ", "one of them"
	}
	first := callers[0]
	if first.Link == leak.LinkCallback {
		if verb = " runs "; len(callers) > 1 {
			verb = " run "
		}
		return text + verb + "in goroutines of the same beginning, called by " + human.Func(first.Calls, maxFunc) +
			"; seen in a " + string(first.Seen) + " profile, so who hands " + it + " over probably starts them" + creators
	}
	text += verb + human.Func(first.Calls, maxFunc)
	seen := "; seen in a " + string(first.Seen) + " profile"
	switch first.Link {
	case leak.LinkStarter:
		return text + ", which starts them" + seen
	case leak.LinkType:
		return text + " of the same type" + seen + ", so " + it + " probably starts them" + creators
	case leak.LinkConstructor:
		return text + ", which makes something in the same package" + seen + ", so " + it + " probably starts them" + creators
	case leak.LinkPackage:
		return text + " of the same package" + seen + ", so " + it + " may start them" + creators
	}
	return text + " of the same library" + seen + ", so " + it + " may start them" + creators
}

// namedFrame returns a frame within a sentence: "main.(*jobs).run (jobs.go:30)".
func namedFrame(f frame, width int) string {
	text := human.Func(f.Func, width)
	if place := human.Line(human.Place(f.File, f.Line), maxPlace); place != "" {
		text += " (" + place + ")"
	}
	return text
}

// holderLine names the goroutine that probably holds what the others wait for.
func holderLine(h *leak.Holder, l leak.Leak) string {
	text := human.Plural(h.Count, "goroutine", "goroutines") + " in " + namedFrame(frame(h.Key), maxFunc)
	if h.Op != "" {
		text += ", in " + human.Line(h.Op, 60)
	}
	if !h.Since.IsZero() {
		text += " since " + human.Time(h.Since, l.UpdatedAt)
	}
	return text
}

// Fact is something known about a leak besides its stacks, in a sentence without a full stop.
type Fact struct {
	Name, Words string
	// URL leads to more about it; empty: there is none.
	URL string
}

// The names of facts that the description of an alert has too.
const (
	factCaller        = "Caller"
	factKnown         = "Known"
	factPossiblyKnown = "Possibly known"
)

// Facts says whether the leak was reported in public, who called the leaking library, who holds
// up the others, and which module it is.
func Facts(l leak.Leak) (facts []Fact) {
	if len(l.Stacks) == 0 {
		return nil
	}
	s := l.Stacks[0]
	add := func(name, words string) {
		if words != "" {
			facts = append(facts, Fact{Name: name, Words: human.Line(words, maxFact)})
		}
	}
	if m, ok := known.BuiltIn().Match(l); ok {
		name := factPossiblyKnown
		if m.IsCertain {
			name = factKnown
		}
		add(name, m.Sentence())
		facts[0].URL = m.Entry.Issue
	}
	if s.Holder != nil {
		add("Held up", "probably by "+holderLine(s.Holder, l))
	}
	add(factCaller, callerLine(s))
	for _, f := range s.Frames {
		if m, ok := stack.ModuleOf(f.File); ok {
			add("Module", m.String())
			break
		}
	}
	return facts
}

// maxFact is the length of a fact, in characters.
const maxFact = 400
