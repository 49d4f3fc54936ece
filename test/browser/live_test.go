package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// TestLive: a page follows what happens, and does not disturb its reader.
func TestLive(t *testing.T) {
	f := newFleet(func(s string) string { return s })
	f.refresh = time.Second
	srv := f.serve(t)
	b := open(t, srv.URL)
	refreshed := func() {
		b.until("(window.was = window.was ?? Number(document.body.dataset.refreshed ?? 0)) < Number(document.body.dataset.refreshed) && (delete window.was, true)")
	}

	b.visit("/")
	require.Equal(t, "Live", eval[string](b, "document.getElementById('live').textContent"))
	refreshed()
	// A person types half a word, scrolls, has the focus on a link and a group open.
	b.do(chromedp.SendKeys(chromedp.CSS("input[name=q]"), "half a wo"))
	eval[int](b, "(scrollTo(0, 700), document.querySelectorAll('table.leaks tbody a.service')[12].focus({preventScroll: true}), window.kept = document.activeElement, scrollY)")
	f.leaked.Store(234)
	b.until("document.querySelector('table.leaks tbody').innerText.includes('1,234')")
	require.Equal(t, 700, eval[int](b, "scrollY"), "the scroll position")
	require.True(t, eval[bool](b, "document.activeElement === window.kept && kept.isConnected"), "the focus")
	require.Equal(t, "half a wo", eval[string](b, "document.querySelector('input[name=q]').value"), "what was typed")

	// Nothing has changed: the page is not sent again.
	refreshed()
	refreshed()
	require.Zero(t, eval[int](b, "performance.getEntriesByType('resource').filter((e) => e.name === location.href).slice(-2).filter((e) => e.responseStatus === 200).length"))

	// Ages are updated by themselves.
	age := eval[string](b, "(window.age = document.querySelector('time.age')).textContent")
	require.Regexp(t, "ago$", age)

	// It pauses, and continues.
	b.do(chromedp.Click(chromedp.CSS("#live")))
	f.leaked.Store(345)
	time.Sleep(3 * time.Second)
	require.NotContains(t, b.text(), "1,345")
	require.Equal(t, "Paused", eval[string](b, "document.getElementById('live').textContent"))
	b.visit("/")
	require.Equal(t, "Paused", eval[string](b, "document.getElementById('live').textContent"), "on the next page too")
	b.do(chromedp.Click(chromedp.CSS("#live")))
	f.leaked.Store(456)
	b.until("document.body.innerText.includes('1,456')")

	// The page of a leak keeps the zoom of its chart and the panel that is open.
	now := time.Now().Unix()
	b.visit(fmt.Sprintf("/leaks/000000000000?from=%d&to=%d", now-7200, now))
	b.do(chromedp.Click(chromedp.CSS("#owner > summary")), chromedp.SendKeys(chromedp.CSS("#owner textarea"), "half a no"))
	canvas := "document.querySelector('.chart canvas')"
	eval[int](b, "(window.drawn = "+canvas+", 1)")
	f.leaked.Store(567)
	b.until("document.querySelector('.facts').innerText.includes('1,567')")
	require.True(t, eval[bool](b, "window.drawn === "+canvas), "the chart is not drawn anew")
	require.Equal(t, "half a no", eval[string](b, "document.querySelector('#owner[open] textarea').value"))
	b.visit("/targets")
	due := eval[string](b, "document.querySelector('time.due').textContent")
	b.until("document.querySelector('time.due').textContent !== '" + due + "'")
	b.quiet()

	// Without an answer the page says since when it is stale.
	srv.CloseClientConnections()
	srv.Close()
	b.mtx.Lock()
	b.expected = func(string) bool { return true }
	b.mtx.Unlock()
	b.until(`/^This page is stale since \d\d:\d\d:\d\d UTC: gorowatch does not answer\.$/.test(document.getElementById('stale').textContent)`)
	b.shoot("stale")
}

// TestTheme: light and dark can be chosen whatever the system has, and the choice is stored.
func TestTheme(t *testing.T) {
	b := open(t, serve(t, func(s string) string { return s }))
	background := "getComputedStyle(document.body).backgroundColor"
	b.visit("/leaks/000000000000")
	require.Equal(t, "rgb(255, 255, 255)", eval[string](b, background))
	choose := func(theme string) {
		eval[chromedp.Void](b, "(() => { const s = document.getElementById('theme'); s.value = '"+theme+"'; s.dispatchEvent(new Event('change')); })()")
	}
	choose("dark")
	require.Equal(t, "rgb(21, 24, 28)", eval[string](b, background))
	b.accessible()
	b.visit("/services")
	require.Equal(t, "rgb(21, 24, 28)", eval[string](b, background), "the next page too")
	b.scheme("dark")
	choose("light")
	require.Equal(t, "rgb(255, 255, 255)", eval[string](b, background), "light though the system is dark")
	choose("system")
	require.Equal(t, "rgb(21, 24, 28)", eval[string](b, background))
	b.quiet()
}

// TestForcedColours: where colours are forced, lines replace their meaning.
func TestForcedColours(t *testing.T) {
	b := open(t, serve(t, func(s string) string { return s }))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}},
	})
	require.NoError(t, err)
	for _, path := range []string{"/", "/leaks/000000000000", "/targets"} {
		b.visit(path)
		require.Equal(t, "1px", eval[string](b, "getComputedStyle(document.querySelector('.badge')).borderTopWidth"), path)
	}
	b.visit("/leaks/000000000000")
	b.shoot("forced-colours")
	b.quiet()
}

// TestTitles: no two tabs have the same title.
func TestTitles(t *testing.T) {
	b := open(t, serve(t, func(s string) string { return s }))
	titles := map[string]string{}
	paths := places(b)
	paths["another leak"], paths["help"], paths["kind"] = "/leaks/000000000001", "/help/", "/help/leaks/chan-send"
	for name, path := range paths {
		b.visit(path)
		title := eval[string](b, "document.title")
		require.NotContains(t, titles, title, "%s and %s", name, titles[title])
		titles[title] = name
	}
	b.visit("/") // the last page of the loop may be the help itself, and a click there leads nowhere
	b.click("header a.right")
	require.Contains(t, b.text(), "find a leak and fix it")
	b.inspect("help")
}

// TestPprof: pprof's own views have no entry that leads nowhere, and a way back.
func TestPprof(t *testing.T) {
	b := open(t, serve(t, func(s string) string { return s }))
	b.visit("/compare?base=profiles/base.pb.gz&head=profiles/head.pb.gz")
	b.click(`a[href*="/pprof/"]`)
	b.until("document.querySelector('.header .submenu')")
	entries := eval[string](b, `[...document.querySelectorAll('.header .submenu')].flatMap((m) => (m.style.display = 'block', [...m.querySelectorAll('a')])).filter((a) => a.offsetParent).map((a) => a.textContent.trim()).join()`)
	require.Equal(t, "Top,Flame Graph,Peek,Focus,Ignore,Hide,Show,Show from,Reset", entries)
	b.shoot("pprof")
	b.do(chromedp.Click(chromedp.CSS(".header .title a")))
	b.until("location.pathname.endsWith('/compare') && document.readyState === 'complete'")
	require.Contains(t, b.text(), "Difference of two profiles")
	b.quiet()
}

// TestFlameGraph: names are short, ended goroutines are visible, a search dims the rest and
// counts, and the view is in the address.
func TestFlameGraph(t *testing.T) {
	b := open(t, serve(t, func(s string) string { return s }))
	b.visit("/leaks/000000000000")
	require.NotContains(t, eval[string](b, "document.querySelector('.graph').innerText"), "github.com", "the path of the package is folded")
	require.Contains(t, eval[string](b, "document.querySelectorAll('.graph button')[1].title"), "github.com/acme/service/", "and there when asked for")
	for _, mode := range []string{"changed", "after", "before"} {
		require.Contains(t, eval[string](b, "[...document.querySelectorAll('.flame option')].map((o) => o.value).join()"), mode)
	}
	b.do(chromedp.SendKeys(chromedp.CSS(".flame input[type=search]"), "p0.f5"))
	require.Regexp(t, `^\d+ match(es)?, \+\d+ of \+\d+: \d+ drawn, \d+ too narrow or outside$`, eval[string](b, "document.querySelector('.flame [role=status]').textContent"))
	require.Positive(t, eval[int](b, "document.querySelectorAll('.graph .hit').length"))
	require.Positive(t, eval[int](b, "document.querySelectorAll('.graph .dim').length"))
	eval[chromedp.Void](b, "document.querySelector('.graph .hit').click()")
	require.Regexp(t, `before, .* after: \+`, eval[string](b, "document.querySelector('.flame .detail').innerText"))
	require.Contains(t, eval[string](b, "document.querySelector('.flame .detail a').href"), "https://git.example.com/v1.42.0/p/f.go#L")

	// The address shows the same to somebody else.
	address := eval[string](b, "location.href")
	frames := eval[string](b, "[...document.querySelectorAll('.graph button')].map((b) => b.title).join()")
	b.visit("/")
	b.do(chromedp.Navigate(address))
	b.until(settled + " && document.querySelector('.graph .hit')")
	require.Equal(t, frames, eval[string](b, "[...document.querySelectorAll('.graph button')].map((b) => b.title).join()"))

	eval[chromedp.Void](b, "[...document.querySelectorAll('.flame .tools button')].find((b) => b.textContent === 'Callers').click()")
	require.Contains(t, eval[string](b, "location.search"), "tree=callers")
	require.Regexp(t, `^github.com/acme/service/p\d+.f0 `, eval[string](b, "document.querySelectorAll('.graph button')[1].title"), "what they wait in is on top")
	require.Positive(t, eval[int](b, "Number(document.querySelector('.flame').dataset.svg)"))
	b.accessible()
	b.shoot("flame-callers")
	b.quiet()
}

// TestChart: the view of a chart is in the address. The chart lists all lines at the cursor,
// hides them by its legend, and can be reset.
func TestChart(t *testing.T) {
	b := open(t, serve(t, func(s string) string { return s }))
	press := func(text string) {
		eval[chromedp.Void](b, "[...document.querySelectorAll('.chart .tools button')].find((b) => b.textContent === '"+text+"').click()")
		b.until(settled)
	}
	search := func() string { return eval[string](b, "location.search") }
	b.visit("/leaks/000000000000")
	require.True(t, eval[bool](b, "[...document.querySelectorAll('.chart .tools button')].find((b) => b.textContent === 'Reset zoom').hidden"))
	press("6 h")
	require.Contains(t, search(), "last=21600")

	// A part is selected with the mouse.
	eval[chromedp.Void](b, "document.querySelector('.chart .u-over').scrollIntoView({block: 'center', behavior: 'instant'})")
	box := eval[struct{ Left, Right, Top, Bottom float64 }](b, "document.querySelector('.chart .u-over').getBoundingClientRect().toJSON()")
	middle := (box.Top + box.Bottom) / 2
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, box.Left+200, middle, chromedp.Button("left")), chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box.Left+400, middle, chromedp.Button("left")), chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, box.Left+400, middle, chromedp.Button("left")))
	b.until("location.search.includes('from=') && " + settled)
	require.NotContains(t, search(), "last=")
	address := eval[string](b, "location.href")
	b.visit("/")
	b.do(chromedp.Navigate(address))
	b.until(settled)
	require.False(t, eval[bool](b, "[...document.querySelectorAll('.chart .tools button')].find((b) => b.textContent === 'Reset zoom').hidden"), "the address has the zoom")
	press("Reset zoom")
	require.NotContains(t, search(), "from=")

	// All lines at the cursor, with their unit.
	eval[chromedp.Void](b, "document.querySelector('.chart .u-over').scrollIntoView({block: 'center', behavior: 'instant'})")
	box = eval[struct{ Left, Right, Top, Bottom float64 }](b, "document.querySelector('.chart .u-over').getBoundingClientRect().toJSON()")
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box.Left+300, (box.Top+box.Bottom)/2))
	b.until("document.querySelector('.tip')")
	require.Regexp(t, `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n10\.0\.3\.\d+:8080: [\d,]+ goroutines\n10\.0\.3\.`, eval[string](b, "document.querySelector('.tip').innerText"))
	require.Contains(t, eval[string](b, "document.querySelector('.tip').innerText"), "and 16 more", "and how many more there are")
	b.shoot("chart-tip")

	// The legend hides and shows.
	b.do(chromedp.Click(chromedp.CSS(".legend .entry")))
	require.Equal(t, "false", eval[string](b, "document.querySelector('.legend .entry').getAttribute('aria-pressed')"))

	// Two profiles are picked in the strip with the keyboard, and are in the address.
	eval[chromedp.Void](b, "document.querySelector('.strip .profiles button').focus()")
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.Enter))
	b.until("document.querySelector('.chart figcaption a')")
	require.Equal(t, 2, strings.Count(search(), "pick="))
	require.Regexp(t, "^Picked: .* and .* Compare them Pick none$", eval[string](b, "document.querySelector('.chart figcaption').textContent"))

	b.accessible()
	b.quiet()
}

// TestTimes: all times are in the zone of whoever looks, if they like: in sentences, in
// lists to choose from, in parts that are loaded later and in what a pointer shows.
func TestTimes(t *testing.T) {
	b := open(t, serve(t, func(s string) string { return s }))
	_, err := chromedp.Call(b.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"})
	require.NoError(t, err)
	zone := func(z string) {
		eval[chromedp.Void](b, "(() => { const s = document.getElementById('zone'); s.value = '"+z+"'; s.dispatchEvent(new Event('change')); })()")
	}
	const seconds = "2006-01-02 15:04:05"
	places := places(b)
	for _, c := range []struct{ name, path, expression, layout string }{
		{"the sentence", "/leaks/000000000000", "document.querySelector('.sentence time').textContent", "2006-01-02 15:04"},
		{"within a text", "/leaks/000000000096", "document.querySelector('.ladder time').textContent", ""},
		{"a choice", places["service"], "document.querySelector('form.pick option[data-at]').textContent.match(/^[\\d-]+ [\\d:]+( UTC)?/)[0]", seconds},
		{"a part", places["service"], "document.querySelector('#picker time').textContent", "2006-01-02 15:04"},
		{"a tooltip", "/fleet?state=week", "[...document.querySelectorAll('.heat td[title]')].find((c) => (c.dataset.utc ?? c.title)[2] === '-').title.split(': ')[0]", "01-02 15:04"},
		{"a mark", "/fleet", "document.querySelector('.heat thead td:nth-last-child(2) time').textContent", ""},
	} {
		zone("UTC")
		b.visit(c.path)
		utc := eval[string](b, c.expression)
		zone("local")
		local := eval[string](b, c.expression)
		require.NotContains(t, local, "UTC", c.name)
		if c.layout != "" {
			at, err := time.Parse(c.layout+" UTC", utc)
			require.NoError(t, err, c.name)
			require.Equal(t, at.Add(9*time.Hour).Format(c.layout), local, c.name)
		}
		b.visit(c.path)
		require.Equal(t, local, eval[string](b, c.expression), "%s on the next page", c.name)
		zone("UTC")
		require.Equal(t, utc, eval[string](b, c.expression), "%s and back", c.name)
	}
	b.visit("/leaks/000000000000")
	require.Regexp(t, `since \d{4}-\d\d-\d\d \d\d:\d\d UTC \(\d+ days ago\)`, b.text())
	require.Regexp(t, `Alerted\n\d+ \w+ ago \(\d\d:\d\d UTC\)`, b.text())
	b.quiet()
}

// TestHeatMap: a deploy after which twelve services leak is seen at a glance, without a
// script and where colours are forced.
func TestHeatMap(t *testing.T) {
	b := open(t, serve(t, func(s string) string { return s }))
	row := func(i string) string { return "document.querySelectorAll('.heat tbody tr')[" + i + "]" }
	look := func() {
		// The twelve services of one deploy are together, and turn red in one column.
		first := eval[int](b, "[...document.querySelectorAll('.heat tbody tr')].findIndex((r) => /service-(2[0-9]|3[01])$/.test(r.cells[0].innerText))")
		columns := eval[string](b, fmt.Sprintf("[...document.querySelectorAll('.heat tbody tr')].slice(%d, %d).map((r) => /service-(2[0-9]|3[01])$/.test(r.cells[0].innerText) ? [...r.cells].findIndex((c) => c.className === 'h4') : 'another').join()", first, first+12))
		require.Regexp(t, `^(\d+)(,\d+){11}$`, columns)
		require.Len(t, slices.Compact(strings.Split(columns, ",")), 1, "they begin in one column")
		require.Regexp(t, `^(\d\d-\d\d )?\d\d:00 UTC: 97 %, \+\d+/h$`, eval[string](b, row(fmt.Sprint(first))+".querySelector('.h4').title"))
		require.Regexp(t, `97 % \+\d+/h (\d\d-\d\d )?\d\d:00 UTC$`, eval[string](b, row(fmt.Sprint(first))+".innerText"), "in words too")
		require.Regexp(t, `Confidence:\s+not judged\s+below 20 %\s+20 % or more\s+50 % or more\s+80 % or more\s+95 % or more`, b.text())
	}
	b.visit("/fleet")
	look()
	b.inspect("heat-map")
	b.do(chromedp.EmulateViewport(narrow, 740))
	require.True(t, eval[bool](b, `[...document.querySelectorAll('.heat tbody tr')].every((r) => r.cells[1].getBoundingClientRect().top >= r.cells[0].getBoundingClientRect().bottom - 1 && r.lastElementChild.offsetWidth > 0)`), "the words are above the cells")
	b.do(chromedp.EmulateViewport(wide, 900))

	// Where colours are forced, the level says it.
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}},
	})
	require.NoError(t, err)
	levels := eval[string](b, "['h1', 'h2', 'h3', 'h4', 'none'].map((c) => getComputedStyle(document.querySelector('.heat-legend .' + c)).backgroundImage + getComputedStyle(document.querySelector('.heat-legend .' + c)).backgroundColor).join('|')")
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(strings.Split(levels, "|")))), 5, levels)
	b.shoot("heat-map-forced")
	_, err = chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	require.NoError(t, err)

	// Without a script.
	_, err = chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	b.do(chromedp.Navigate(b.base + "/fleet"))
	look()
	b.quiet()
}
