package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/gorowatch/gorowatch/test/e2e"
	"github.com/stretchr/testify/require"
)

// ask requests a path of the API.
func ask(t *testing.T, url string, data any) error {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	e := struct {
		Error string
		Data  any
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil || e.Error != "" {
		return fmt.Errorf("%s: %s: %w", url, e.Error, err)
	}
	return nil
}

// waitWatched waits until gorowatch watches so many services: it may be ready before
// Prometheus has scraped any.
func waitWatched(t *testing.T, url string, n int) {
	t.Helper()
	e2e.Eventually(t, patience, "gorowatch watches the services", func() error {
		var services struct{ Total int }
		if err := ask(t, url+"/api/v1/services", &services); err != nil {
			return err
		}
		if services.Total != n {
			return fmt.Errorf("%d services are watched, expected %d", services.Total, n)
		}
		return nil
	})
}

// waitProfiles waits until the archive has at least two profiles of a service, so that
// they can be compared.
func waitProfiles(t *testing.T, url, job string) {
	t.Helper()
	e2e.Eventually(t, patience, "two profiles of "+job, func() error {
		var services struct{ Services []struct{ ID string } }
		if err := ask(t, url+`/api/v1/services?match=`+job, &services); err != nil {
			return err
		}
		if len(services.Services) != 1 {
			return fmt.Errorf("%d services have the job %s", len(services.Services), job)
		}
		var profiles struct{ Total int }
		if err := ask(t, url+"/api/v1/services/"+services.Services[0].ID+"/profiles", &profiles); err != nil {
			return err
		}
		if profiles.Total < 2 {
			return fmt.Errorf("there are %d", profiles.Total)
		}
		return nil
	})
}

// TestPages opens each page while a real service leaks under a real Prometheus, and clicks
// through them as an on-call person does.
func TestPages(t *testing.T) {
	chromium(t)
	leaky := e2e.StartScenario(t, "logwriter", "")
	fixed := e2e.StartScenario(t, "logwriter", "", "--fixed")
	load := e2e.Load{
		Every: 100 * time.Millisecond, AtATime: 2, Patience: time.Second,
		Method: http.MethodPost, Body: "an entry",
		Path: func(int) string { return "/entries" },
	}
	job := func(name, address string) e2e.Job {
		return e2e.Job{Name: name, Labels: map[string]string{"namespace": "prod"}, Targets: []string{address}}
	}
	prometheus := e2e.StartPrometheus(t, job("logwriter", leaky.Address), job("logwriter-fixed", fixed.Address))
	gorowatch := e2e.StartGorowatch(t, t.TempDir(), fmt.Sprintf(`
global: {evaluation_interval: 1s}
prometheus: {url: %s, load: 'rate(process_cpu_seconds_total[15s])'}
trend: {base: 1s}
profiles: {baseline_interval: 3s, suspicion_interval: 2s}
links:
  source: [{url: 'https://git.example.org/{version}/{path}#L{line}'}]
  dashboard: https://grafana.example.org/d/go?var-job={job}&from={from}&to={to}
  alertmanager: https://alertmanager.example.org
`, prometheus.URL), "--web.enable-admin-api")
	gorowatch.WaitReady(t)
	waitWatched(t, gorowatch.URL, 2)
	b := open(t, gorowatch.URL)

	// While all is well.
	b.visit("/")
	require.Contains(t, b.text(), "No leak is open.")
	require.Contains(t, b.text(), "Watching")
	b.inspect("empty")
	b.expect("404", func() {
		b.visit("/services/" + strings.Repeat("0", 12))
		require.Contains(t, b.text(), "There is no service with the id")
	})

	load.Start(t, leaky.Address)
	load.Start(t, fixed.Address)
	var leaks struct {
		Leaks []struct {
			ID     string
			Stacks []any
			Base   any
			Head   any
		}
	}
	e2e.Eventually(t, 10*time.Minute, "the leak fires, with a stack and two profiles", func() error {
		if err := ask(t, gorowatch.URL+"/api/v1/leaks?state=firing", &leaks); err != nil {
			return err
		}
		if len(leaks.Leaks) == 0 || len(leaks.Leaks[0].Stacks) == 0 || leaks.Leaks[0].Base == nil || leaks.Leaks[0].Head == nil {
			return fmt.Errorf("have %v", leaks)
		}
		return nil
	})
	require.Len(t, leaks.Leaks, 1)

	b.visit("/")
	require.Contains(t, b.text(), "prod/logwriter")
	require.Contains(t, b.text(), "main.(*logs).append.func1")
	require.Positive(t, eval[int](b, "document.querySelectorAll('svg.spark path').length"))
	b.inspect("leaks")

	t.Run("filter", func(t *testing.T) {
		b.visit("/?q=nothing-has-this")
		require.Contains(t, b.text(), "No leak matches the filter.")
		b.visit("/")
		b.do(chromedp.SendKeys(chromedp.CSS(`input[name="match"]`), `namespace="prod"`+kb.Enter))
		b.until(`location.search.includes('match=') && ` + settled)
		require.Contains(t, b.text(), "prod/logwriter")
	})

	t.Run("leak", func(t *testing.T) {
		b.click("table.leaks tbody th a")
		require.Regexp(t, `prod/logwriter leaks [\d,]+ goroutines per hour since (\d{4}-\d\d-\d\d )?\d\d:\d\d UTC \(\d+ \w+ ago\); \d+ % of it sits in main\.\(\*logs\)\.append\.func1, main\.go:\d+, `, b.text())
		require.Equal(t, 2, eval[int](b, "document.querySelectorAll('.chart .uplot canvas').length"), "the counts, and the stacks")
		require.Positive(t, eval[int](b, "document.querySelectorAll('.graph button').length"))
		require.Contains(t, b.text(), "fitted growth and its 95 % interval")
		require.Contains(t, eval[string](b, "[...document.querySelectorAll('a')].find((a) => a.textContent === 'Silence in Alertmanager').href"), "https://alertmanager.example.org/#/silences/new?filter=")
		require.Contains(t, eval[string](b, "document.querySelector('a.source').href"), "https://git.example.org/")
		b.inspect("leak")

		for _, range7 := range []string{"1 h", "7 d"} {
			eval[chromedp.Void](b, fmt.Sprintf("[...document.querySelectorAll('.chart .tools button')].find((b) => b.textContent === %q).click()", range7))
			b.until(settled)
			require.Equal(t, 2, eval[int](b, "document.querySelectorAll('.chart .uplot canvas').length"))
		}
		eval[chromedp.Void](b, "document.querySelector('.chart input[type=checkbox]').click()")
		b.until(settled + " && document.querySelector('.legend').textContent.includes('load')")
		b.shoot("leak-load")
		eval[chromedp.Void](b, "document.querySelector('.stacks summary').click()")
		b.quiet()
	})

	t.Run("keyboard", func(t *testing.T) {
		b.visit("/leaks/" + leaks.Leaks[0].ID)
		b.do(chromedp.KeyEvent(kb.Tab))
		require.Equal(t, "Skip to the content", eval[string](b, "document.activeElement.textContent"))
		b.do(chromedp.KeyEvent(kb.Enter))
		require.Equal(t, "#main", eval[string](b, "location.hash"))
		// All links and buttons can be reached with the keyboard, in order, and show the focus.
		seen := map[string]bool{}
		eval[int](b, "[...document.querySelectorAll('details.action')].map((d) => (d.open = true)).length")
		for range 90 {
			b.do(chromedp.KeyEvent(kb.Tab))
			seen[eval[string](b, "document.activeElement.closest('.graph') ? 'graph' : document.activeElement.textContent.trim() || document.activeElement.tagName")] = true
			require.True(t, eval[bool](b, "document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== 'none'"), "the focus is seen on %s", eval[string](b, "document.activeElement.outerHTML.slice(0, 200)"))
		}
		for _, want := range []string{"1 d", "graph", "flame graph", "Copy", "Earlier profile", "This leak as JSON", "Take it", "Expected", "Expect this leak", "Save", "Download"} {
			require.Contains(t, seen, want)
		}
		// Within the flame graph, arrows move and Enter zooms.
		eval[chromedp.Void](b, "document.querySelector('.graph button[tabindex=\"0\"]').focus()")
		all := eval[string](b, "document.activeElement.getAttribute('aria-label')")
		require.Contains(t, all, "all goroutines")
		b.do(chromedp.KeyEvent(kb.ArrowDown))
		below := eval[string](b, "document.activeElement.getAttribute('aria-label')")
		require.NotEqual(t, all, below)
		b.do(chromedp.KeyEvent(kb.Enter))
		require.Equal(t, below, eval[string](b, "document.activeElement.getAttribute('aria-label')"))
		require.Equal(t, 1, eval[int](b, "document.querySelectorAll('.graph .above').length"), "zoomed in")
		b.do(chromedp.KeyEvent(kb.Escape))
		require.Equal(t, 0, eval[int](b, "document.querySelectorAll('.graph .above').length"))
		// A search finds its text.
		b.do(chromedp.SendKeys(chromedp.CSS(".flame input[type=search]"), "append"))
		require.Regexp(t, `^\d+ match(es)?, \+\d`, eval[string](b, "document.querySelector('.flame [role=status]').textContent"))
		require.Positive(t, eval[int](b, "document.querySelectorAll('.graph .hit').length"))
		b.quiet()
	})

	t.Run("compare", func(t *testing.T) {
		b.visit("/leaks/" + leaks.Leaks[0].ID)
		b.click(`a[href*="/compare?"]`)
		require.Contains(t, b.text(), "Difference of two profiles")
		require.Contains(t, b.text(), "main.(*logs).append.func1")
		b.inspect("compare")
		b.click(`a[href*="/pprof/"]`)
		b.until(`document.body.innerText.includes('logs')`)
		require.Contains(t, b.text(), "pprof")
		b.shoot("pprof-flamegraph")
		eval[chromedp.Void](b, "document.querySelector('#topbtn').click()")
		b.until("location.pathname.endsWith('/top') && document.readyState === 'complete' && document.body.innerText.includes('append')")
		require.Contains(t, b.text(), "append.func1")
		b.shoot("pprof-top")
		b.quiet()
	})

	t.Run("service", func(t *testing.T) {
		waitProfiles(t, gorowatch.URL, "logwriter-fixed")
		b.visit("/services")
		require.Contains(t, b.text(), "prod/logwriter-fixed")
		require.Contains(t, b.text(), "2 watched")
		b.inspect("services")
		eval[chromedp.Void](b, "[...document.querySelectorAll('table.services th a')].find((a) => a.textContent === 'prod/logwriter-fixed').click()")
		b.until("document.querySelector('h1').textContent.includes('logwriter-fixed') && " + settled)
		require.Contains(t, b.text(), "Why it is not a leak")
		b.inspect("service")
		require.Positive(t, eval[int](b, "document.querySelectorAll('form.pick option').length"))
		// Two profiles are picked by their marks in the chart.
		eval[chromedp.Void](b, "document.querySelector('.chart .u-over').scrollIntoView({block: 'center', behavior: 'instant'})")
		box := eval[struct{ Left, Right, Bottom float64 }](b, "document.querySelector('.chart .u-over').getBoundingClientRect().toJSON()")
		for x := box.Left + 2; x < box.Right && !eval[bool](b, "document.querySelector('.chart figcaption a') !== null"); x += 8 {
			b.do(chromedp.MouseClickXY(x, box.Bottom-3))
		}
		b.until("document.querySelector('.chart figcaption a')")
		require.Regexp(t, `^Picked: .* and .* Compare them Pick none$`, eval[string](b, "document.querySelector('.chart figcaption').textContent"))
		require.Less(t, eval[string](b, "document.querySelector('form.pick').elements.base.value"), eval[string](b, "document.querySelector('form.pick').elements.head.value"), "the earlier one first")
		b.shoot("service-picked")
		b.click("form.pick button")
		require.Contains(t, b.text(), "Difference of two profiles")
		b.quiet()
	})

	t.Run("profile now", func(t *testing.T) {
		b.visit("/leaks/" + leaks.Leaks[0].ID)
		b.do(chromedp.Click(chromedp.CSS("#profile > summary")))
		b.click("form.pull button")
		require.Contains(t, b.text(), "Difference of two profiles")
		b.quiet()
	})

	t.Run("others", func(t *testing.T) {
		b.visit("/targets")
		require.Contains(t, b.text(), leaky.Address)
		b.inspect("targets")
		b.visit("/status")
		require.Contains(t, b.text(), prometheus.URL)
		b.inspect("status")
		b.expect("404", func() {
			b.visit("/leaks/nosuch")
			require.Contains(t, b.text(), "There is no leak with the id nosuch.")
			require.Contains(t, b.text(), "prod/logwriter")
			b.inspect("notfound")
		})
	})

	t.Run("prometheus is gone", func(t *testing.T) {
		prometheus.Stop(t)
		b.expect("502", func() {
			b.visit("/leaks/" + leaks.Leaks[0].ID)
			require.Contains(t, b.text(), "The chart cannot be drawn: the series cannot be read now")
			require.Contains(t, b.text(), "Growing stacks", "the rest of the page is there")
			b.shoot("leak-without-prometheus")
		})
	})
}

// expect runs f, during which answers with the status are allowed.
func (b *tab) expect(status string, f func()) {
	b.mtx.Lock()
	b.expected = func(text string) bool { return strings.Contains(text, "status of "+status) }
	b.mtx.Unlock()
	f()
	b.quiet()
	b.mtx.Lock()
	b.expected = nil
	b.mtx.Unlock()
}
