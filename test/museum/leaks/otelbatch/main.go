// Command otelbatch sets up tracing anew when its configuration is loaded again,
// and leaves the old pipeline running.
package main

import (
	"context"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// nowhere is where spans go.
type nowhere struct{}

func (nowhere) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (nowhere) Shutdown(context.Context) error                             { return nil }

type tracing struct {
	provider *sdktrace.TracerProvider
	fixed    bool
}

func (t *tracing) reload(ctx context.Context) {
	old := t.provider
	t.provider = sdktrace.NewTracerProvider(sdktrace.WithBatcher(nowhere{}))
	if t.fixed && old != nil {
		_ = old.Shutdown(ctx)
	}
	_, span := t.provider.Tracer("museum").Start(ctx, "reload")
	span.End()
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		t := &tracing{fixed: e.Fixed}
		e.Often(func() { t.reload(e.Ctx) })
	})
}
