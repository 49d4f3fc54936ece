package browser

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// TestFaults: the complaints of a review of the pages, one by one.
func TestFaults(t *testing.T) {
	b := open(t, serve(t, func(s string) string { return s }))

	t.Run("half a matcher crashes the request", func(t *testing.T) {
		b.expect("400", func() {
			for _, path := range []string{"/", "/services", "/targets"} {
				b.visit(path + "?match=" + url.QueryEscape("namespace="))
				require.Contains(t, b.text(), "is not a label matcher; expected e.g.")
			}
		})
		for _, path := range []string{"/", "/services", "/targets"} {
			b.visit(path + "?match=job") // a word like any other
			require.Positive(t, eval[int](b, "document.querySelectorAll('form.filter').length"), path)
			require.NotContains(t, b.text(), "is not a label matcher")
		}
	})
	t.Run("bare words and values without quotes are refused", func(t *testing.T) {
		for _, path := range []string{"/", "/services", "/targets"} {
			for _, match := range []string{"job=service-7", "service-7,namespace=team-07"} {
				b.visit(path + "?match=" + url.QueryEscape(match))
				require.Contains(t, b.text(), "team-07/service-7")
				require.NotContains(t, b.text(), "team-08/service-8")
			}
		}
	})
	t.Run("the error of a target is cut", func(t *testing.T) {
		b.visit("/targets")
		require.True(t, eval[bool](b, `[...document.querySelectorAll('.targets .error')].every((e) => e.scrollWidth <= e.clientWidth && e.getBoundingClientRect().right <= innerWidth)`))
		require.Contains(t, b.text(), "profiles.grafana.com/goroutine.path", "the end of the error")
	})
	t.Run("the list of leaks loses columns", func(t *testing.T) {
		b.do(chromedp.EmulateViewport(1024, 900))
		b.visit("/")
		require.Equal(t, "State,Leak,Service,Growth/h,Floor,Leaked,Since,Instances", eval[string](b,
			`[...document.querySelectorAll('table.leaks thead th')].filter((e) => e.getBoundingClientRect().right <= innerWidth).map((e) => e.innerText).join()`))
		require.LessOrEqual(t, eval[int](b, `Math.max(...[...document.querySelectorAll('table.leaks tbody tr')].map((e) => e.offsetHeight))`), 62, "two lines a row")
		b.do(chromedp.EmulateViewport(wide, 900))
	})
	t.Run("the form to take a profile is wider than a telephone", func(t *testing.T) {
		long := open(t, serve(t, func(s string) string { return s + strings.Repeat("-and-more", 6) }))
		for _, path := range []string{"/leaks/000000000000", "/services"} {
			long.visit(path)
			if path == "/services" {
				long.click("table.services th a")
			}
			require.Positive(t, eval[int](long, "document.querySelectorAll('form.pull option').length"))
			long.do(chromedp.Click(chromedp.CSS("#profile > summary")))
			long.fits("take a profile")
		}
	})
	t.Run("the chart of a leak of more than 90 days is empty", func(t *testing.T) {
		b.visit("/leaks/000000000001")
		require.Positive(t, eval[int](b, "document.querySelectorAll('.chart .uplot canvas').length"))
		require.NotContains(t, b.text(), "cannot be drawn")
	})
	t.Run("a state that does not exist looks like an all-clear", func(t *testing.T) {
		b.expect("400", func() {
			for path, states := range map[string]string{
				"/": "firing, plateaued, suspected, expected or resolved", "/services": "leaking, plateaued, suspicious, provisional or quiet",
				"/targets": "down, unmatched, up or unknown",
			} {
				b.visit(path + "?state=bogus")
				require.Contains(t, b.text(), `state: "bogus" is not known, expected `+states)
			}
		})
	})
	t.Run("a resolved leak sits", func(t *testing.T) {
		b.visit("/leaks/0000000000b0")
		require.Contains(t, b.text(), "of it sat in")
		require.NotContains(t, b.text(), "sits in")
	})
	t.Run("the search finds neither function nor file", func(t *testing.T) {
		for _, word := range []string{"bus.(*Client).Subscribe", "/acme/bus@v1.2.0/client.go"} {
			for path, found := range map[string]string{"/": "team-20/service-20", "/services": "team-20/service-20"} {
				b.visit(path + "?q=" + url.QueryEscape(word))
				require.Contains(t, b.text(), found, "%s of %s", word, path)
				require.NotContains(t, b.text(), "service-2\n")
			}
		}
		b.visit("/targets?q=worker%2Fpool.go")
		require.Contains(t, b.text(), "up ")
	})
	t.Run("twelve services with one bug are twelve rows", func(t *testing.T) {
		b.visit("/?group=function&q=Subscribe")
		require.Equal(t, 1, eval[int](b, "document.querySelectorAll('table.functions tbody tr').length"))
		require.Contains(t, eval[string](b, "document.querySelector('table.functions tbody tr').innerText"), "12 leaks")
		b.accessible()
	})
	b.quiet()
}

// TestOrder: a list says how it is ordered, and is in that order, without a script.
func TestOrder(t *testing.T) {
	b := open(t, serve(t, func(s string) string { return s }))
	column := func(n string) string {
		return eval[string](b, `[...document.querySelectorAll('table.leaks tbody tr')].slice(0, 3).map((r) => r.cells[`+n+`].innerText.split('\n')[0]).join()`)
	}
	b.visit("/")
	require.Equal(t, "(170) Leaks · gorowatch", eval[string](b, "document.title"))
	b.click("table.leaks thead th:nth-child(3) a")
	require.Contains(t, b.text(), "Ordered by service, from A to Z.")
	require.Equal(t, "team-00/service-0,team-00/service-120,team-00/service-160", column("2"))
	require.Equal(t, "ascending", eval[string](b, "document.querySelector('table.leaks [aria-sort]').getAttribute('aria-sort')"))
	b.click("table.leaks thead th:nth-child(3) a")
	require.Contains(t, b.text(), "Ordered by service, from Z to A.")
	b.click("table.leaks thead th:nth-child(4) a")
	require.Equal(t, "+219,+218,+217", column("3"))
	b.click("table.leaks tbody a.service")
	require.Contains(t, eval[string](b, "document.querySelector('h1').innerText"), "team-39/service-199", "the name of the service leads to the service")
	b.quiet()
}
