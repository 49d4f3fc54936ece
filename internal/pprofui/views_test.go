package pprofui

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func of(count int64) *collector.Profile {
	return &collector.Profile{Time: time.Unix(1, 0), Total: count, Records: []collector.Record{{
		Count: count,
		Frames: []*collector.Frame{
			{Func: "main.logHandler.func1", File: "/etc/passwd", Line: 1},
			{Func: "</script><script>alert(1)</script>", File: "/etc/passwd", Line: 2},
		},
	}}}
}

func get(t *testing.T, views map[string]http.Handler, view, query string) string {
	t.Helper()
	w := httptest.NewRecorder()
	views[view].ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+view+"?"+query, nil))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	return w.Body.String()
}

func TestViews(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	views, err := New(of(12), of(1916))
	require.NoError(t, err)
	require.Len(t, views, 3, "no source, no disassembly, no graph, nothing to save")
	require.Contains(t, get(t, views, "top", ""), "1904", "the difference")
	require.Contains(t, get(t, views, "peek", "p=logHandler"), "main.logHandler.func1")
	page := get(t, views, "flamegraph", "")
	require.Contains(t, page, "main.logHandler.func1")
	require.NotContains(t, page, "<script>alert(1)")
	// A path in the profile, or in the request, is never read.
	for view := range views {
		page := get(t, views, view, "source_path=/etc&trim_path=/&output=/tmp/x&list=.")
		require.NotContains(t, page, "root:")
	}
	var left []string
	require.NoError(t, filepath.WalkDir(home, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, path)
		}
		return err
	}))
	require.Empty(t, left, "nothing is saved")

	alone, err := New(nil, of(7))
	require.NoError(t, err)
	require.Contains(t, get(t, alone, "top", ""), "7")
}

// Containers and services of systemd run as users without a home folder.
func TestNoHome(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CONFIG_HOME", "")
	views, err := New(of(12), of(1916))
	require.NoError(t, err)
	for view := range views {
		require.Contains(t, get(t, views, view, "p=logHandler"), "logHandler", view)
	}
}

func TestManyAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			views, err := New(of(1), of(int64(100+n)))
			if err == nil {
				w := httptest.NewRecorder()
				views["top"].ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/top", nil))
				if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "main.logHandler") {
					t.Errorf("view %d: %d", n, w.Code)
				}
			} else {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestTooLarge(t *testing.T) {
	p := of(1)
	p.Records = make([]collector.Record, maxSamples+1)
	_, err := New(nil, p)
	require.ErrorIs(t, err, ErrTooLarge)

	// Few stacks, which are deep and share their frames.
	p = of(1)
	for range maxFrames/500 + 1 {
		p.Records = append(p.Records, collector.Record{Count: 1, Frames: slices.Repeat(p.Records[0].Frames, 250)})
	}
	_, err = New(p, of(1))
	require.ErrorIs(t, err, ErrTooLarge)
	require.ErrorContains(t, err, "base")

	p = of(1)
	for i := range 5 {
		p.Records = append(p.Records, collector.Record{Count: 1, Frames: []*collector.Frame{{Func: strings.Repeat("x", 4<<20), Line: i}}})
	}
	_, err = New(nil, p)
	require.NoError(t, err, "one name")
	for i := range 5 {
		p.Records = append(p.Records, collector.Record{Count: 1, Frames: []*collector.Frame{{Func: strings.Repeat("x", 4<<20+i)}}})
	}
	_, err = New(nil, p)
	require.ErrorIs(t, err, ErrTooLarge)
}
