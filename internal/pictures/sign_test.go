package pictures

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func signer(t *testing.T, key string) *Signer {
	t.Helper()
	s, err := NewSigner([]byte(strings.Repeat(key, MinKeySize)))
	require.NoError(t, err)
	return s
}

var base = &url.URL{Scheme: "https", Host: "pictures.example.org", Path: "/gorowatch/"}

func TestSignedAddress(t *testing.T) {
	s := signer(t, "k")
	l := checkout()
	address := s.URL(base, l)
	require.Regexp(t, `^https://pictures\.example\.org/gorowatch/leaks/3f9c2a7b41de\.png\?expires=1775084400&signature=[-\w]{43}$`, address)
	require.Less(t, len(address), 200)
	u, err := url.Parse(address)
	require.NoError(t, err)
	id, ok := leakID(u.Path)
	require.True(t, ok)
	require.NoError(t, s.Check(id, u.Query(), now))
	require.NoError(t, s.Check(id, u.Query(), now.Add(Validity-6*time.Minute)))
	require.ErrorIs(t, s.Check(id, u.Query(), now.Add(Validity)), errExpired)

	l.UpdatedAt = now.Add(54 * time.Minute)
	require.Equal(t, address, s.URL(base, l), "within an hour the address stays")
	l.UpdatedAt = now.Add(55 * time.Minute)
	require.NotEqual(t, address, s.URL(base, l), "a later message gets a later picture")
	require.Equal(t, address, signer(t, "k").URL(base, checkout()), "replicas agree")
}

func TestForgedAddresses(t *testing.T) {
	s := signer(t, "k")
	sign := func(id string, end time.Time) url.Values {
		text := strconv.FormatInt(end.Unix(), 10)
		return url.Values{"expires": {text}, "signature": {s.sign(id, text)}}
	}
	good := sign("abc", now.Add(time.Hour))
	require.NoError(t, s.Check("abc", good, now))
	change := func(key string, values ...string) url.Values {
		q := url.Values{"expires": good["expires"], "signature": good["signature"]}
		q[key] = values
		return q
	}
	for name, tc := range map[string]struct {
		id   string
		q    url.Values
		want error
	}{
		"of another leak":    {"abd", good, errUnsigned},
		"expiry moved":       {"abc", change("expires", strconv.FormatInt(now.Add(2*time.Hour).Unix(), 10)), errUnsigned},
		"another key":        {"abc", change("signature", signer(t, "x").sign("abc", good.Get("expires"))), errUnsigned},
		"signature cut":      {"abc", change("signature", good.Get("signature")[:20]), errUnsigned},
		"signature longer":   {"abc", change("signature", good.Get("signature")+"A"), errUnsigned},
		"empty signature":    {"abc", change("signature", ""), errUnsigned},
		"no signature":       {"abc", change("signature"), errMalformed},
		"two signatures":     {"abc", change("signature", "x", good.Get("signature")), errMalformed},
		"two expiries":       {"abc", change("expires", "1", good.Get("expires")), errMalformed},
		"something more":     {"abc", change("more", "1"), errMalformed},
		"nothing":            {"abc", url.Values{}, errMalformed},
		"expired":            {"abc", sign("abc", now), errExpired},
		"for too long":       {"abc", sign("abc", now.Add(Validity+time.Hour)), errTooLong},
		"id and expiry move": {"abc\n1", good, errUnsigned},
		"signed nonsense":    {"abc", url.Values{"expires": {"soon"}, "signature": {s.sign("abc", "soon")}}, errMalformed},
	} {
		t.Run(name, func(t *testing.T) { require.ErrorIs(t, s.Check(tc.id, tc.q, now), tc.want) })
	}
}

func TestShortKey(t *testing.T) {
	_, err := NewSigner(make([]byte, 31))
	require.EqualError(t, err, "the key has 31 bytes, expected at least 32")
}

func TestLeakID(t *testing.T) {
	for path, want := range map[string]string{
		"/leaks/abc.png": "abc", "/gorowatch/leaks/abc.png": "abc", "/leaks/leaks/abc.png": "abc",
		"/leaks/.png": "", "/leaks/abc": "", "/leaks/a/b.png": "", "/abc.png": "", "/leaks/" + strings.Repeat("a", 65) + ".png": "",
	} {
		id, ok := leakID(path)
		require.Equal(t, want != "", ok, path)
		if ok {
			require.Equal(t, want, id, path)
		}
	}
}

func FuzzCheck(f *testing.F) {
	s, err := NewSigner([]byte(strings.Repeat("k", MinKeySize)))
	require.NoError(f, err)
	f.Add("abc", "expires=1775084400&signature=x")
	f.Fuzz(func(t *testing.T, id, query string) {
		if err := check(s, id, query, now); err == nil {
			q, _ := url.ParseQuery(query)
			require.Equal(t, s.sign(id, q.Get("expires")), q.Get("signature"), "accepted without the signature")
		}
	})
}
