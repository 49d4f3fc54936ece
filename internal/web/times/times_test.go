package times

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMark(t *testing.T) {
	day := time.Date(2026, 3, 2, 22, 59, 30, 0, time.UTC)
	for text, want := range map[string]string{
		"":                                       "",
		"growth not measured yet":                "growth not measured yet",
		"no data since 14:02 UTC, restarted":     `no data since <time datetime="2026-03-02T14:02:00Z">14:02 UTC</time>, restarted`,
		"from 2026-02-28 20:59 UTC to 14:02 UTC": `from <time datetime="2026-02-28T20:59:00Z">2026-02-28 20:59 UTC</time> to <time datetime="2026-03-02T14:02:00Z">14:02 UTC</time>`,
		"until 15:04:05 UTC":                     `until <time datetime="2026-03-02T15:04:05Z">15:04:05 UTC</time>`,
		"since 2026-01-02 15:04:05 UTC":          `since <time datetime="2026-01-02T15:04:05Z">2026-01-02 15:04:05 UTC</time>`,
		"at 25:99 UTC":                           "at 25:99 UTC",
		"2026-02-30 10:00 UTC":                   "2026-02-30 10:00 UTC",
		"<b>14:02 UTC</b>":                       `&lt;b&gt;<time datetime="2026-03-02T14:02:00Z">14:02 UTC</time>&lt;/b&gt;`,
		"port 10.0.0.1:8080 UTC":                 "port 10.0.0.1:8080 UTC",
		"\"'><script>":                           "&#34;&#39;&gt;&lt;script&gt;",
	} {
		require.Equal(t, want, string(Mark(text, day)), text)
	}
}
