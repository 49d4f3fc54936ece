package actions

import (
	"fmt"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// Text writes a leak for a ticket.
type Text struct {
	Render alerting.RenderOptions
	// Page is the address of the leak's page.
	Page string
	// Source returns the link to the line of a frame; nil: there are none.
	Source func(collector.Frame) string
}

// Bounds of what a ticket needs.
const (
	maxTicketStacks = 5
	maxTicketFrames = 20
)

// Markdown returns a leak for a ticket: the sentence, the stacks in a table, the frames of the
// leading one, and links.
func (t Text) Markdown(l leak.Leak) string {
	var b strings.Builder
	b.WriteString(t.Short(l))
	if len(l.Stacks) > 0 {
		b.WriteString("\n| stack | before | now | change | share |\n|---|---:|---:|---:|---:|\n")
	}
	for _, s := range l.Stacks[:min(len(l.Stacks), maxTicketStacks)] {
		where := code(human.Func(s.Key.Func, 160))
		if place := human.Place(s.Key.File, s.Key.Line); place != "" {
			where += " " + t.place(s.Key, place)
		}
		if s.Op != "" {
			where += ", " + plain(s.Op, 60)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", where, human.Count(s.Base), human.Count(s.Head), human.Change(s.Delta()), human.Percent(s.Share))
	}
	if more := len(l.Stacks) - maxTicketStacks; more > 0 {
		fmt.Fprintf(&b, "\n%d more stacks grow with it.\n", more)
	}
	if len(l.Stacks) > 0 && len(l.Stacks[0].Frames) > 0 {
		b.WriteString("\n```text\n")
		frames := l.Stacks[0].Frames
		for _, f := range frames[:min(len(frames), maxTicketFrames)] {
			b.WriteString(strings.ReplaceAll(human.Func(f.Func, 160)+"  "+human.Line(human.Place(f.File, f.Line), 120), "```", "'''") + "\n")
		}
		if more := len(frames) - maxTicketFrames; more > 0 {
			fmt.Fprintf(&b, "… %d more frames\n", more)
		}
		b.WriteString("```\n")
	}
	if l.Base != nil && l.Head != nil && t.Render.ExternalURL != nil {
		base, head := alerting.ProfileURL(t.Render.ExternalURL, l.Base.Key), alerting.ProfileURL(t.Render.ExternalURL, l.Head.Key)
		fmt.Fprintf(&b, "\nProfiles: [before](<%s>), [now](<%s>)\n\n```sh\n%s\n```\n", base, head, alerting.PprofCommand(base, head))
	}
	return b.String()
}

// Short returns the beginning of Markdown: the sentence, the usual cause of such a leak, and
// the link to its page.
func (t Text) Short(l leak.Leak) string {
	var b strings.Builder
	verb := "leaks"
	switch {
	case l.State == leak.Resolved, l.Phase() == leak.Plateaued:
		verb = "leaked"
	case l.State == leak.Suspected:
		verb = "may leak"
	}
	fmt.Fprintf(&b, "**%s** %s", plain(alerting.ServiceName(l.Service), 80), verb)
	if l.Rate.Value > 0 && l.PlateauedAt.IsZero() && l.State != leak.Resolved {
		fmt.Fprintf(&b, " **%s goroutines per hour**", human.Number(l.Rate.Value))
	} else {
		b.WriteString(" goroutines")
	}
	if !l.Onset.IsZero() {
		b.WriteString(" since " + human.Time(l.Onset, time.Time{}))
	}
	if l.Version != "" {
		b.WriteString(" (" + plain(l.Version, 40) + ")")
	}
	if l.State == leak.Resolved {
		fmt.Fprintf(&b, ", on %s. Evidence: %s.\n\nResolved %s", instances(l), l.Evidence, human.FullTime(l.ResolvedAt))
		if l.Resolution != "" {
			b.WriteString(": " + plain(l.Resolution, 400))
		}
		b.WriteString(".\n")
	} else {
		fmt.Fprintf(&b, ": %s leaked so far, on %s. Evidence: %s.\n", human.Number(l.Leaked), instances(l), l.Evidence)
	}
	if p := alerting.Projection(l, t.Render); l.State != leak.Resolved {
		fmt.Fprintf(&b, "\nProjection: %s.\n", p)
	}
	if hint := alerting.Hint(l); hint != "" {
		fmt.Fprintf(&b, "\nUsually: %s.\n", plain(hint, 400))
	}
	for _, f := range alerting.Facts(l) {
		fmt.Fprintf(&b, "\n%s: %s.", f.Name, plain(f.Words, 400))
		if f.URL != "" {
			fmt.Fprintf(&b, " [The report](<%s>)", f.URL)
		}
		b.WriteString("\n")
	}
	if t.Page != "" {
		fmt.Fprintf(&b, "\n[The leak in gorowatch](<%s>)\n", t.Page)
	}
	return b.String()
}

func (t Text) place(f collector.Frame, place string) string {
	if t.Source != nil {
		if to := t.Source(f); to != "" {
			return "[" + plain(place, 120) + "](<" + strings.NewReplacer("<", "%3C", ">", "%3E").Replace(to) + ">)"
		}
	}
	return plain(place, 120)
}

func instances(l leak.Leak) string {
	n := int64(len(l.Instances))
	if l.InstancesTotal > len(l.Instances) {
		return human.Count(n) + " of " + human.Plural(int64(l.InstancesTotal), "instance", "instances")
	}
	return human.Plural(n, "instance", "instances")
}

// special are the characters with a meaning in Markdown.
var special = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "|", `\|`, "@", "@\u200b", "#", `\#`, "&", "&amp;", "://", ":\u200b//",
)

// plain escapes text so that it has no meaning in Markdown.
func plain(s string, most int) string { return special.Replace(human.Line(s, most)) }

// code writes a name as code in a line, also in a table.
func code(s string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "¦").Replace(s) + "`"
}
