package alerting

import (
	"testing"

	"github.com/gorowatch/gorowatch/leak"
)

func BenchmarkRender(b *testing.B) {
	for name, l := range map[string]leak.Leak{"usual": library(), "hostile": hostile(3000)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Render(l, Warning, render())
			}
		})
	}
}
