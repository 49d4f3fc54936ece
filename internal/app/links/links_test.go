package links

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/leak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCommitsAreAskedForWithTheToken: the configured token reaches the forge.
func TestCommitsAreAskedForWithTheToken(t *testing.T) {
	var asked string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Authorization") + " " + r.URL.RequestURI()
		io.WriteString(w, `[{"id":"c2","title":"log in background","web_url":"https://git.example.org/c2"}]`)
	}))
	defer s.Close()
	c, err := config.Load([]byte(`
links:
  source:
    - prefix: /src/checkout/
      url: https://git.example.org/shop/checkout/-/blob/{version}/{path}#L{line}
      commits:
        api: gitlab
        url: ` + s.URL + `/api/v4
        http_config: {authorization: {credentials: abc}}
  compare:
    - {matchers: ['job="search"'], url: 'https://git.example.org/search/compare/{previous}...{version}'}
    - {url: 'https://git.example.org/{namespace}/{job}/-/compare/{previous}...{version}'}
`))
	require.NoError(t, err)
	links, err := New(c, func(c commoncfg.HTTPClientConfig, section string) (*http.Client, error) {
		require.Equal(t, "links.source[0].commits", section)
		client, err := fetch.NewClient(c, section)
		t.Cleanup(client.CloseIdleConnections)
		return client, err
	})
	require.NoError(t, err)
	key := collector.Frame{Func: "main.f", File: "/src/checkout/cmd/main.go", Line: 3}
	l := leak.Leak{
		Service: labels.FromStrings("namespace", "shop", "job", "checkout"), Version: "v2", PreviousVersion: "../v1",
		Stacks: []leak.StackGrowth{{Key: key}},
	}
	changes := links.ChangesOf(l)
	require.Equal(t, "https://git.example.org/shop/checkout/-/compare/%2E%2E/v1...v2", changes.Compare)
	require.True(t, changes.IsLoading)
	links.Source[0].History.Wait()
	require.Equal(t, "log in background", links.ChangesOf(l).Commits[0].Title)
	require.Equal(t, "Bearer abc /api/v4/projects/shop%2Fcheckout/repository/commits?path=cmd&per_page=1&ref_name=..%2Fv1", asked)
	links.Source[0].History.Wait()
}
