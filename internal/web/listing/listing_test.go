package listing

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/internal/web/query"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func asked(query string) *http.Request { return httptest.NewRequest(http.MethodGet, "/?"+query, nil) }

func TestPager(t *testing.T) {
	all := []int{0, 1, 2, 3, 4}
	for q, want := range map[string][]int{"": {0, 1}, "page=2": {2, 3}, "page=3": {4}, "page=99": {4}, "page=-1": {0, 1}, "page=x": {0, 1}} {
		require.Equal(t, want, PageOf(all, NewPager(asked(q), len(all), 2)), q)
	}
	p := NewPager(asked("page=2&q=x&evil=1"), 5, 2)
	require.Equal(t, "?page=1&q=x", p.Previous, "what is known is kept")
	require.Equal(t, "?page=3&q=x", p.Next)
	require.Empty(t, NewPager(asked(""), 2, 2).Next)
	require.Equal(t, 0, len(PageOf([]int{}, NewPager(asked("page=7"), 0, 2))))
}

func TestForm(t *testing.T) {
	r := asked("q=a&match=job%3Db&state=firing&sort=growth&version=v1&page=3&x=y")
	f := NewFilterForm(r, query.NewFilter(r.URL.Query()), "q", "match", "version")
	require.True(t, f.Active)
	require.Equal(t, "?sort=growth&state=firing", f.Clear)
	require.Equal(t, []Pair{{Name: "state", Value: "firing"}, {Name: "sort", Value: "growth"}}, f.Kept)
	f.Choose("Version", "version", "v1", []string{"v1", "v2"})
	require.Equal(t, []option{{Text: "any"}, {Value: "v1", Text: "v1", Chosen: true}, {Value: "v2", Text: "v2"}}, f.Choices[0].Options)
	require.Equal(t, http.StatusOK, f.Status())
	r = asked("match=job%3D")
	f = NewFilterForm(r, query.NewFilter(r.URL.Query()), "match")
	require.Equal(t, http.StatusBadRequest, f.Status())
}

func TestStates(t *testing.T) {
	links := AddState(nil, asked("q=a"), "firing", "", 3, "alerting")
	links = AddState(links, asked("q=a"), "resolved", "", 0, "over")
	require.Equal(t, []StateLink{{Name: "firing", URL: "?q=a&state=firing", Words: "alerting", N: 3}}, links, "none has the other")
	links = AddState(nil, asked("state=firing"), "firing", "firing", 0, "")
	require.Equal(t, "?", links[0].URL, "a click on the one that is chosen shows all")
	require.True(t, links[0].Current)
}

// TestSorts: the link to the present order reverses it, twice gives the same.
func TestSorts(t *testing.T) {
	link := func(q, name string) SortLink {
		values, err := url.ParseQuery(q)
		require.NoError(t, err)
		links, _ := SortLinks(asked(q), query.NewLeaks(values))
		for _, l := range links {
			if l.Name == name {
				return l
			}
		}
		t.Fatal(name)
		return SortLink{}
	}
	require.Equal(t, SortLink{Name: "growth", URL: "?sort=growth"}, link("", "growth"))
	require.Equal(t, SortLink{Name: "growth", URL: "?order=asc&sort=growth", Current: true, Direction: "descending"}, link("sort=growth", "growth"))
	require.Equal(t, SortLink{Name: "growth", URL: "?sort=growth", Current: true, Direction: "ascending"}, link("sort=growth&order=asc", "growth"))
	require.Equal(t, SortLink{Name: "service", URL: "?order=desc&sort=service", Current: true, Direction: "ascending"}, link("sort=service", "service"))
	values, _ := url.ParseQuery("sort=service&order=desc")
	_, words := SortLinks(asked("sort=service&order=desc"), query.NewLeaks(values))
	require.Equal(t, "by service, from Z to A", words)
}
