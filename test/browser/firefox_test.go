package browser

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gorowatch/gorowatch/test/e2e"
	"github.com/stretchr/testify/require"
)

// firefox is a Firefox that is controlled over its own WebDriver BiDi.
type firefox struct {
	t       *testing.T
	conn    *websocket.Conn
	context string
	base    string
	axe     string

	next    int
	trouble []string
}

// openFirefox starts a Firefox for the pages below base. If there is none the test is
// skipped, or fails with CI=true.
func openFirefox(t *testing.T, base string) *firefox {
	t.Helper()
	path, err := exec.LookPath("firefox-esr")
	if err != nil {
		path, err = exec.LookPath("firefox")
	}
	if err != nil {
		const missing = "there is no Firefox: run test/tools/install.sh firefox"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	axe, err := os.ReadFile(e2e.Tool(t, "axe", "axe.min.js"))
	require.NoError(t, err)
	profile := t.TempDir()
	// It makes no requests of its own, and shows no start page.
	require.NoError(t, os.WriteFile(filepath.Join(profile, "user.js"), []byte(`
user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("remote.active-protocols", 1);
`), 0o600))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0")
	cmd.Env = append(os.Environ(), "HOME="+profile, "MOZ_CRASHREPORTER_DISABLE=1", "MOZ_HEADLESS=1")
	out, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	listening := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := regexp.MustCompile(`listening on (ws://\S+)`).FindStringSubmatch(lines.Text()); m != nil {
				listening <- m[1]
			}
		}
	}()
	f := &firefox{t: t, base: strings.TrimRight(base, "/"), axe: string(axe)}
	select {
	case address := <-listening:
		dial, stop := context.WithTimeout(t.Context(), patience)
		defer stop()
		f.conn, _, err = websocket.Dial(dial, address+"/session", nil)
		require.NoError(t, err)
	case <-time.After(patience):
		t.Fatal("Firefox does not listen")
	}
	f.conn.SetReadLimit(64 << 20)
	t.Cleanup(func() { _ = f.conn.CloseNow() })
	f.ask("session.new", map[string]any{"capabilities": map[string]any{}}, nil)
	var tree struct{ Contexts []struct{ Context string } }
	f.ask("browsingContext.getTree", map[string]any{}, &tree)
	require.NotEmpty(t, tree.Contexts)
	f.context = tree.Contexts[0].Context
	f.ask("session.subscribe", map[string]any{"events": []string{"log.entryAdded"}}, nil)
	return f
}

// ask sends a command and waits for its answer.
func (f *firefox) ask(method string, params map[string]any, result any) {
	f.t.Helper()
	f.next++
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	b, err := json.Marshal(map[string]any{"id": f.next, "method": method, "params": params})
	require.NoError(f.t, err)
	require.NoError(f.t, f.conn.Write(ctx, websocket.MessageText, b))
	for {
		_, b, err := f.conn.Read(ctx)
		require.NoError(f.t, err, method)
		var m struct {
			ID             int
			Type, Method   string
			Error, Message string
			Result         json.RawMessage
			Params         struct{ Level, Text string }
		}
		require.NoError(f.t, json.Unmarshal(b, &m))
		switch {
		case m.Method == "log.entryAdded":
			if m.Params.Level == "error" || m.Params.Level == "warn" {
				f.trouble = append(f.trouble, m.Params.Level+": "+m.Params.Text)
			}
		case m.ID == f.next:
			require.Equal(f.t, "success", m.Type, "%s: %s %s", method, m.Error, m.Message)
			if result != nil {
				require.NoError(f.t, json.Unmarshal(m.Result, result))
			}
			return
		}
	}
}

// eval returns the value of an expression in the page, as text.
func (f *firefox) eval(expression string) string {
	f.t.Helper()
	return f.run("Promise.resolve(" + expression + ").then(String)")
}

// run runs a script in the page.
func (f *firefox) run(script string) string {
	f.t.Helper()
	var r struct {
		Type    string
		Result  struct{ Value any }
		Details struct{ Text string } `json:"exceptionDetails"`
	}
	f.ask("script.evaluate", map[string]any{
		"expression": script, "awaitPromise": true, "target": map[string]any{"context": f.context},
	}, &r)
	require.Equal(f.t, "success", r.Type, "%.200s: %s", script, r.Details.Text)
	return fmt.Sprint(r.Result.Value)
}

// until waits until an expression is true.
func (f *firefox) until(expression string) {
	f.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if f.eval("Boolean("+expression+")") == "true" {
			return
		}
	}
	f.t.Fatalf("not after %s on %s: %s", patience, f.eval("location.href"), expression)
}

func (f *firefox) visit(path string) {
	f.t.Helper()
	f.ask("browsingContext.navigate", map[string]any{"context": f.context, "url": f.base + path, "wait": "complete"}, nil)
	f.until(settled)
}

func (f *firefox) width(pixels int) {
	f.t.Helper()
	f.ask("browsingContext.setViewport", map[string]any{"context": f.context, "viewport": map[string]any{"width": pixels, "height": 900}}, nil)
}

// shoot writes a picture of the whole page.
func (f *firefox) shoot(name string) {
	f.t.Helper()
	dir := os.Getenv("GOROWATCH_SCREENSHOTS")
	if dir == "" {
		return
	}
	require.NoError(f.t, os.MkdirAll(dir, 0o755))
	var r struct{ Data string }
	f.ask("browsingContext.captureScreenshot", map[string]any{"context": f.context, "origin": "document"}, &r)
	png, err := base64.StdEncoding.DecodeString(r.Data)
	require.NoError(f.t, err)
	require.NoError(f.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}

// TestFirefox: the pages work there too: they fit, are accessible, draw, refresh themselves,
// and leave the console empty.
func TestFirefox(t *testing.T) {
	fl := newFleet(func(s string) string { return s })
	fl.refresh = time.Second
	f := openFirefox(t, fl.serve(t).URL)
	f.visit("/services")
	service := f.eval("document.querySelector('table.services th a').getAttribute('href')")
	for name, path := range map[string]string{
		"leaks": "/", "functions": "/?group=function", "leak": "/leaks/000000000000", "services": "/services", "service": service, "targets": "/targets",
		"status": "/status", "setup": "/setup", "fleet": "/fleet", "compare": "/compare?base=profiles/base.pb.gz&head=profiles/head.pb.gz", "help": "/help/leaks/chan-send",
	} {
		for _, width := range []int{360, 768, 1024, 1280, 1440, 1920} {
			f.width(width)
			if width == 360 {
				f.visit(path)
			}
			f.until(settled + fmt.Sprintf(" && document.documentElement.scrollWidth <= %d", width))
			require.Empty(t, f.eval(`[...document.querySelectorAll('main table')].filter((t) => t.getBoundingClientRect().right > t.parentElement.getBoundingClientRect().right + 1).map((t) => t.className).join()`), "%s at %d: tables that are wider than their place", name, width)
			if width == 360 || width == 1280 {
				f.shoot(fmt.Sprintf("firefox-%s-%d", name, width))
			}
		}
		f.run(f.axe + "\n'there'")
		require.Empty(t, f.eval(`axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.html).join(' ')).join('\n'))`), name)
	}
	f.width(1280)
	f.visit("/leaks/000000000000")
	require.Equal(t, "2", f.eval("document.querySelectorAll('.chart .uplot canvas').length"))
	require.NotEqual(t, "0", f.eval("document.querySelectorAll('.graph button').length"))
	fl.leaked.Store(99)
	f.until("document.querySelector('.facts').innerText.includes('1,099')")
	require.Empty(t, f.trouble)
}
