package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/gorowatch/gorowatch/test/e2e"
	"github.com/stretchr/testify/require"
)

// patience bounds how long a test waits for something that must happen.
const patience = 2 * time.Minute

// Sizes of the window.
const (
	wide   = 1280
	narrow = 360
)

// tab is a tab of a browser, at one address of gorowatch.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
	axe  string

	mtx      sync.Mutex
	trouble  []string // errors on the console, and requests to elsewhere
	expected func(string) bool
}

// open starts a browser for the pages below base.
func open(t *testing.T, base string) *tab {
	t.Helper()
	path := chromium(t)
	axe, err := os.ReadFile(e2e.Tool(t, "axe", "axe.min.js"))
	require.NoError(t, err)
	ctx, cancel := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path), chromedp.Flag("no-sandbox", true), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("hide-scrollbars", true),
	))
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		cancel()
	})
	b := &tab{t: t, ctx: ctx, base: strings.TrimRight(base, "/"), axe: string(axe)}
	// The first step starts the browser, which ends with its context, so the context has no
	// deadline.
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(wide, 900)))
	require.NoError(t, chromedp.Listen(ctx, b.hear))
	for _, enable := range []func() error{
		func() error { _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); return err },
		func() error { _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); return err },
	} {
		require.NoError(t, enable())
	}
	return b
}

// chromium returns the path of the browser. If there is none the test is skipped, or
// fails with CI=true.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "there is no Chromium: run test/tools/install.sh chromium"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// hear records the events of the browser.
func (b *tab) hear(ev any) {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	note := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); b.expected == nil || !b.expected(text) {
			b.trouble = append(b.trouble, text)
		}
	}
	switch ev := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		var words []string
		for _, a := range ev.Args {
			words = append(words, string(a.Value)+a.Description)
		}
		note("console.%s: %s", ev.Type, strings.Join(words, " "))
	case *runtime.EventExceptionThrown:
		note("exception: %s", ev.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		note("log: %s %s", ev.Entry.Text, ev.Entry.URL)
	case *page.EventJavascriptDialogOpening:
		note("dialog: %s", ev.Message)
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(ev.Request.URL); err == nil && u.Scheme != "data" && u.Scheme != "blob" && !strings.HasPrefix(ev.Request.URL, b.base+"/") {
			note("asked elsewhere: %s", ev.Request.URL)
		}
	}
}

// quiet requires that no problem was recorded.
func (b *tab) quiet() {
	b.t.Helper()
	b.mtx.Lock()
	defer b.mtx.Unlock()
	require.Empty(b.t, b.trouble)
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, steps...))
}

// eval returns the value of an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, expression)
	return v
}

// until waits until an expression is true. It may fail while one page replaces another.
func (b *tab) until(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if yes && err == nil {
			return
		}
		last = err
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("not after %s on %s: %s: %v", patience, eval[string](b, "location.href"), expression, last)
}

// settled means that all parts and charts of the page are loaded.
const settled = `document.readyState === 'complete'
	&& ![...document.querySelectorAll('[data-part]')].some((e) => e.textContent.includes('Loading'))
	&& ![...document.querySelectorAll('.plot')].some((e) => e.textContent.includes('needs JavaScript'))
	&& !document.querySelector('[aria-busy]')`

// visit opens a page and waits until all of it is loaded.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base + path))
	b.until(settled)
}

// click clicks the element of a selector, and waits for the page that it leads to.
func (b *tab) click(selector string) {
	b.t.Helper()
	was := eval[string](b, "location.href")
	b.do(chromedp.ScrollIntoView(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
	b.until(fmt.Sprintf("location.href !== %q && document.readyState === 'complete'", was))
	b.until(settled)
}

func (b *tab) text() string {
	b.t.Helper()
	return eval[string](b, "document.body.innerText")
}

// shoot writes a picture of the whole page.
func (b *tab) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("GOROWATCH_SCREENSHOTS")
	if dir == "" {
		return
	}
	require.NoError(b.t, os.MkdirAll(dir, 0o755))
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}

// scheme is "dark" or "light".
func (b *tab) scheme(s string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s}},
	})
	require.NoError(b.t, err)
}

// accessible requires that axe-core finds nothing serious.
func (b *tab) accessible() {
	b.t.Helper()
	_ = eval[chromedp.Void](b, b.axe+";undefined")
	found := eval[string](b, `axe.run(document, {resultTypes: ['violations']}).then((r) => JSON.stringify(r.violations.map((v) => ({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.slice(0, 3).map((n) => n.html + ' ' + n.failureSummary)}))))`)
	var violations []struct {
		ID, Impact, Help string
		Nodes            []string
	}
	require.NoError(b.t, json.Unmarshal([]byte(found), &violations))
	for _, v := range violations {
		if slices.Contains([]string{"serious", "critical"}, v.Impact) {
			b.t.Errorf("%s: %s (%s): %s", eval[string](b, "location.pathname"), v.ID, v.Help, strings.Join(v.Nodes, "\n"))
		} else {
			b.t.Logf("%s: %s %s (%s)", eval[string](b, "location.pathname"), v.Impact, v.ID, v.Help)
		}
	}
}

// fits requires that a narrow window needs no scrolling sideways; then may inspect it.
func (b *tab) fits(name string, then ...func()) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(narrow, 740))
	b.until(settled)
	// Charts follow the window a moment later.
	for deadline := time.Now().Add(patience / 4); time.Now().Before(deadline) && eval[int](b, "document.documentElement.scrollWidth") > narrow; {
		time.Sleep(100 * time.Millisecond)
	}
	if width := eval[int](b, "document.documentElement.scrollWidth"); width > narrow {
		b.t.Errorf("%s is %d pixels wide: %s", name, width, eval[string](b,
			`[...document.querySelectorAll('main *')].filter((e) => e.scrollWidth > innerWidth).slice(0, 5).map((e) => e.outerHTML.slice(0, 200)).join('\n')`))
	}
	for _, f := range then {
		f()
	}
	b.do(chromedp.EmulateViewport(wide, 900))
}

// fitsEverywhere requires that nothing on a page is wider than its container, in any window
// from a phone's to that of a large screen. It takes a picture of each.
func (b *tab) fitsEverywhere(name string) {
	b.t.Helper()
	for _, width := range []int{360, 768, 1024, 1280, 1440, 1920} {
		b.do(chromedp.EmulateViewport(int64(width), 900))
		b.until(settled)
		// Charts follow the window a moment later.
		for deadline := time.Now().Add(patience / 4); time.Now().Before(deadline) && eval[int](b, "document.documentElement.scrollWidth") > width; {
			time.Sleep(100 * time.Millisecond)
		}
		require.LessOrEqual(b.t, eval[int](b, "document.documentElement.scrollWidth"), width, "%s at %d: %s", name, width, eval[string](b,
			`[...document.querySelectorAll('main *')].filter((e) => e.scrollWidth > innerWidth).slice(0, 5).map((e) => e.outerHTML.slice(0, 200)).join('\n')`))
		require.Empty(b.t, eval[string](b, `[...document.querySelectorAll('main table')].filter((t) => t.getBoundingClientRect().right > t.parentElement.getBoundingClientRect().right + 1).map((t) => t.className).join()`), "%s at %d: tables that are wider than their place", name, width)
		b.shoot(fmt.Sprintf("%s-%d", name, width))
	}
	b.do(chromedp.EmulateViewport(wide, 900))
}

// inspect checks a page in all ways.
func (b *tab) inspect(name string) {
	b.t.Helper()
	b.shoot(name)
	b.accessible()
	b.fits(name, func() { b.shoot(name + "-narrow") })
	b.scheme("dark")
	b.accessible()
	b.shoot(name + "-dark")
	b.scheme("light")
	b.quiet()
}
