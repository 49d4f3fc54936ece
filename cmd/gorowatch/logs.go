package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// maxLogValue limits a value and a message of a log line, in bytes. They may hold labels and
// names that others choose.
const maxLogValue = 2048

// shortValues is a handler that cuts long values before the next handler sees
// them.
type shortValues struct{ next slog.Handler }

func (h shortValues) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

func (h shortValues) Handle(ctx context.Context, r slog.Record) error {
	short := slog.NewRecord(r.Time, r.Level, shortText(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		short.AddAttrs(shortAttr(a))
		return true
	})
	return h.next.Handle(ctx, short)
}

func (h shortValues) WithAttrs(attrs []slog.Attr) slog.Handler {
	return shortValues{h.next.WithAttrs(shortAttrs(attrs))}
}

func (h shortValues) WithGroup(name string) slog.Handler { return shortValues{h.next.WithGroup(name)} }

func shortAttrs(attrs []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = shortAttr(a)
	}
	return out
}

// shortAttr shortens an attribute whose value is too long. The value becomes a string.
func shortAttr(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindGroup:
		a.Value = slog.GroupValue(shortAttrs(a.Value.Group())...)
	case slog.KindString, slog.KindAny:
		if text := fmt.Sprint(a.Value.Any()); len(text) > maxLogValue {
			a.Value = slog.StringValue(shortText(text))
		}
	}
	return a
}

func shortText(text string) string {
	if len(text) <= maxLogValue {
		return text
	}
	return strings.ToValidUTF8(text[:maxLogValue], "") + fmt.Sprintf("… (%d bytes)", len(text))
}
