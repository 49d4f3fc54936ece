package pprof

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// The real agent, from its own module.
func TestReadGopsAgent(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "gopsagent")
	if out, err := exec.Command("go", "build", "-C", "testdata/gopsagent", "-buildvcs=false", "-o", bin, ".").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("cannot build the agent: %v\n%s", err, out)
		}
		t.Skipf("SKIPPED: cannot build the agent: %v\n%s", err, out)
	}
	cmd := exec.Command(bin, t.TempDir())
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() {
		require.NoError(t, stdin.Close())
		require.NoError(t, cmd.Wait())
	}()
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)

	var senders int64
	p, err := New(Options{}).ReadGops(t.Context(), &url.URL{Scheme: "gops", Host: strings.TrimSpace(addr)}, func(_ collector.Format, r *collector.Record) error {
		if len(r.Frames) > 0 && strings.HasPrefix(r.Frames[0].Func, "main.main.func") {
			senders += r.Count
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, collector.FormatDebug2, p.Format)
	require.EqualValues(t, 3, senders)
	require.Greater(t, p.Total, senders)
}

func TestReadGopsSaysWhatIsWrong(t *testing.T) {
	answer := func(text string, hang bool) *url.URL {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1))
			_, _ = io.WriteString(conn, text)
			if hang {
				_, _ = io.Copy(io.Discard, conn)
			}
			_ = conn.Close()
		}()
		t.Cleanup(func() { _ = l.Close(); <-done })
		return &url.URL{Scheme: "gops", Host: l.Addr().String()}
	}
	none := func(collector.Format, *collector.Record) error { return nil }
	for _, tc := range []struct {
		u      *url.URL
		reason collector.Reason
	}{
		{answer("", false), collector.ReasonNotProfile},
		{answer("HTTP/1.1 400 Bad Request\r\n\r\n", false), collector.ReasonNotProfile},
		{answer("goroutine profile: total 0\n", false), collector.ReasonNotProfile},
		{answer("goroutine 1 [select]:\nmain.f()\n", false), collector.ReasonTruncated},
		{answer(oneDump, true), collector.ReasonTimeout},
		{&url.URL{Scheme: "gops", Host: "127.0.0.1:1"}, collector.ReasonRefused},
	} {
		timeout := time.Minute
		if tc.reason == collector.ReasonTimeout {
			timeout = 100 * time.Millisecond
		}
		_, err := New(Options{Timeout: timeout}).ReadGops(t.Context(), tc.u, none)
		require.Equal(t, tc.reason, collector.ReasonOf(err), "%v", err)
		require.ErrorContains(t, err, "gops://127.0.0.1:")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := New(Options{}).ReadGops(ctx, &url.URL{Scheme: "gops", Host: "127.0.0.1:1"}, none)
	require.Equal(t, collector.ReasonCanceled, collector.ReasonOf(err), "%v", err)
}
