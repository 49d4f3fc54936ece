package browser

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// TestActions: a person who comes from an alert silences the leak, files an issue and sets an
// owner, on the first screen.
func TestActions(t *testing.T) {
	b := open(t, serve(t, func(s string) string { return s }))
	const leak = "/leaks/000000000000"
	arrived := time.Now()
	b.visit(leak)
	t.Logf("from the link of the alert to the whole page: %s", time.Since(arrived).Round(time.Millisecond))
	for _, width := range []int64{narrow, wide} {
		b.do(chromedp.EmulateViewport(width, 740))
		require.Less(t, eval[float64](b, "document.querySelector('.bar-of-actions').getBoundingClientRect().bottom"), 740.0, "the actions are on the first screen at %d", width)
	}

	// One click leads to a silence, and one to an issue: links with everything filled in.
	began := time.Now()
	silence := eval[string](b, "[...document.querySelectorAll('.bar-of-actions a')].find((a) => a.textContent === 'Silence in Alertmanager').href")
	require.Contains(t, silence, "http://alertmanager.example.com:9093/#/silences/new?filter=%7Balertname=%22GoroutineLeak%22%2Cleak=%22000000000000%22%7D&comment=Goroutine%20leak%20in%20team-00%2Fservice-0")
	issue := eval[string](b, "[...document.querySelectorAll('.bar-of-actions a')].find((a) => a.textContent === 'Open an issue in GitHub').href")
	require.Contains(t, issue, "https://github.com/acme/service-0/issues/new?title=Goroutine%20leak%20in%20team-00%2Fservice-0")
	require.Contains(t, issue, "%7C%20stack%20%7C%20before")
	t.Logf("silenced and ticketed with 2 clicks, whose links are there after %s", time.Since(began).Round(time.Millisecond))

	// It is copied as Markdown with two clicks.
	b.do(chromedp.Click(chromedp.CSS("#markdown > summary")))
	require.Contains(t, eval[string](b, "document.querySelector('#markdown pre').textContent"), "| `github.com/acme/service0/internal/worker.(*Pool).run.func1` [pool.go:100](<https://git.example.com/v1.42.0/worker/pool.go#L100>), chan send | 12 | 1,012 | +1,000 | 94 % |")

	// An owner is stored.
	b.do(chromedp.Click(chromedp.CSS("#owner > summary")))
	b.do(chromedp.SendKeys(chromedp.CSS("#owner input[name=owner]"), "alice"), chromedp.SendKeys(chromedp.CSS("#owner textarea"), "PAY-1234"))
	b.do(chromedp.Click(chromedp.CSS("#owner button")))
	b.until("document.body.innerText.includes('Owner: alice') && " + settled)
	require.Contains(t, b.text(), "PAY-1234")

	// It is expected until a day, and that can be removed.
	b.do(chromedp.Click(chromedp.CSS("#expected > summary")))
	b.do(chromedp.SendKeys(chromedp.CSS("#expected input[name=reason]"), "fixed in v2"))
	b.do(chromedp.Click(chromedp.CSS("#expected .fields button")))
	b.until("document.querySelector('.actions').innerText.includes('fixed in v2') && " + settled)
	require.Regexp(t, `Expected until \d{4}-\d\d-\d\d 00:00 UTC: fixed in v2`, b.text())
	b.do(chromedp.Click(chromedp.CSS("#expected > summary")))
	b.do(chromedp.Click(chromedp.CSS("#expected button")))
	b.until("!document.querySelector('.actions').innerText.includes('fixed in v2') && " + settled)
	t.Logf("silenced (1 click), ticketed (1), owned (2), expected (2): the pages took %s of it", time.Since(began).Round(time.Millisecond))

	b.do(chromedp.Click(chromedp.CSS("#expected > summary")))
	b.shoot("actions-expected")
	b.accessible()
	b.do(chromedp.Click(chromedp.CSS("#markdown > summary")))
	b.shoot("actions-markdown")

	// A refused action is answered where the click was.
	b.expect("429", func() {
		b.do(chromedp.Click(chromedp.CSS("#profile > summary")))
		b.do(chromedp.Click(chromedp.CSS("#profile button")))
		b.until("document.querySelector('#profile [role=alert]') && " + settled)
		require.Contains(t, eval[string](b, "document.querySelector('#profile [role=alert]').textContent"), "No profile was taken: the budget of")
		b.until("((r) => r.top >= 0 && r.bottom <= innerHeight)(document.querySelector('#profile [role=alert]').getBoundingClientRect())")
		b.accessible()
		b.fits("refused")
	})
	b.visit("/services?q=service-0")
	b.click("table.services th a")
	b.expect("429", func() {
		b.do(chromedp.Click(chromedp.CSS("#profile > summary")), chromedp.Click(chromedp.CSS("#profile button")))
		b.until("document.querySelector('#profile [role=alert]') && " + settled)
		b.until("((r) => r.top >= 0 && r.bottom <= innerHeight)(document.querySelector('#profile [role=alert]').getBoundingClientRect())")
	})

	b.quiet()
}
