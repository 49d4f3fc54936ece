package shard

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func services(n int) (out []labels.Labels) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		out = append(out, labels.FromStrings("namespace", fmt.Sprint("team-", r.IntN(20)), "job", fmt.Sprint("service-", i)))
	}
	return out
}

func of(t *testing.T, n int, service labels.Labels) (owner int) {
	owner = -1
	for i := range n {
		s, err := Parse(fmt.Sprintf("%d/%d", i, n))
		require.NoError(t, err)
		if s.Owns(service) {
			require.Equal(t, -1, owner, "%s has two owners", service)
			owner = i
		}
	}
	require.NotEqual(t, -1, owner, "%s has no owner", service)
	return owner
}

// Each service has one owner, and the shares are about equal. With one shard more, only
// services that go to the new one move.
func TestSharesAndMoves(t *testing.T) {
	const n = 3000
	all := services(n)
	before := make([]int, n)
	for shards := 1; shards <= 12; shards++ {
		size := make([]int, shards)
		moved := 0
		for k, s := range all {
			now := of(t, shards, s)
			size[now]++
			if now != before[k] {
				require.Equal(t, shards-1, now, "it went to a shard that was there before")
				moved++
			}
			before[k] = now
		}
		for i, got := range size {
			require.InDelta(t, n/shards, got, 0.2*n/float64(shards)+20, "shard %d of %d", i, shards)
		}
		if shards > 1 {
			require.Equal(t, size[shards-1], moved)
		}
	}
}

// A new release must share the services out like the one beside it.
func TestSharesAreTheSameForEver(t *testing.T) {
	var got []int
	for _, s := range services(12) {
		got = append(got, of(t, 5, s))
	}
	require.Equal(t, []int{3, 3, 1, 1, 2, 2, 1, 3, 3, 4, 4, 1}, got)
}

func TestParse(t *testing.T) {
	for _, text := range []string{"", "0/1", "2/3"} {
		s, err := Parse(text)
		require.NoError(t, err)
		require.Equal(t, text, s.String())
	}
	for _, bad := range []string{"1", "/", "1/1", "3/3", "-1/3", "a/3", "0/0", "0/3/4", "0/20000", " 0/3"} {
		_, err := Parse(bad)
		require.ErrorContains(t, err, "expected I/N", bad)
	}
	s, err := Parse("")
	require.NoError(t, err)
	require.True(t, s.All() && s.Owns(labels.EmptyLabels()))
	s, err = Parse("0/1")
	require.NoError(t, err)
	require.True(t, s.All())
}

func TestAddress(t *testing.T) {
	of := func(shard, address string) string {
		s, err := Parse(shard)
		require.NoError(t, err)
		u, err := url.Parse(address)
		require.NoError(t, err)
		before := u.String()
		out := s.Address(u).String()
		require.Equal(t, before, u.String(), "the configuration stays")
		return out
	}
	require.Equal(t, "https://pictures-2.example.org/leak", of("2/3", "https://pictures-$(SHARD).example.org/leak"))
	require.Equal(t, "https://pictures.example.org/2/a%2Fb", of("2/3", "https://pictures.example.org/$(SHARD)/a%2Fb"))
	require.Equal(t, "https://pictures-0.example.org/", of("", "https://pictures-$(SHARD).example.org/"))
	require.Equal(t, "https://pictures.example.org/", of("2/3", "https://pictures.example.org/"))
}
