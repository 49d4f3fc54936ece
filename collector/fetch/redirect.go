package fetch

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
)

// maxRedirects is how many redirects in a row are followed.
const maxRedirects = 5

// maxOrigin is how much of an origin an error shows, in bytes. The server
// chooses where it redirects to.
const maxOrigin = 200

// redirectError says that a redirect was not followed, because it leaves the
// scheme, host or port that the credentials are for.
type redirectError struct {
	// from and to are origins, such as https://prometheus:9090: the rest of a
	// URL may hold a secret.
	from, to string
	// advice is what to do about it; empty: nothing is known.
	advice string
}

func (e *redirectError) Error() string {
	text := fmt.Sprintf("it redirects from %s to %s, which does not get the credentials", e.from, e.to)
	if e.advice != "" {
		text += "; " + e.advice
	}
	return text
}

// errLoop ends a chain of redirects.
var errLoop = errors.New("it redirects in a circle")

// followSameOrigin returns a CheckRedirect that follows redirects only within the scheme, host
// and port of the first request, as far as the client itself does. The transport of a client
// may add credentials to every request (bearer tokens, basic auth, OAuth2, custom headers,
// signatures), and net/http keeps headers on another port of the same host. So any other
// redirect would send them to a third party.
func followSameOrigin(next func(*http.Request, []*http.Request) error, r Rules) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if r.SameMethod && req.Method != via[0].Method {
			return http.ErrUseLastResponse
		}
		if next != nil {
			if err := next(req, via); err != nil {
				return err
			}
		}
		if from, to := origin(via[0].URL), origin(req.URL); from != to {
			return &collector.Error{Reason: collector.ReasonRedirect, Err: &redirectError{from: forPeople(via[0].URL), to: forPeople(req.URL), advice: r.Advice}}
		}
		if len(via) >= maxRedirects {
			return &collector.Error{Reason: collector.ReasonRedirect, Err: errLoop}
		}
		return nil
	}
}

// origin returns the scheme, host and port of a URL in a form that can be compared.
func origin(u *url.URL) string {
	scheme := strings.ToLower(u.Scheme)
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[scheme])
	return scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// forPeople shortens an origin for people.
func forPeople(u *url.URL) string {
	s := (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
	if len(s) > maxOrigin {
		s = strings.ToValidUTF8(s[:maxOrigin], "") + "…"
	}
	return s
}
