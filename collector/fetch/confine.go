package fetch

import "net/http"

// Rules are what a confined client keeps to.
type Rules struct {
	// Advice is what a person can do about a redirect that is not followed.
	Advice string
	// SameMethod follows a redirect only if it repeats the request. A POST that
	// becomes a GET of a log-in page would end in a 200 from something that has
	// taken nothing; the response with the redirect is returned instead.
	SameMethod bool
	// MaxBytes bounds a body, as it is after decompression; 0 is no bound. The
	// error past it is a *collector.Error of ReasonTooLarge with the text of
	// TooLarge.
	MaxBytes int64
	TooLarge string
}

// Confine returns a copy of a client that keeps to rules; nil is a plain client.
//
// It follows redirects within the scheme, host and port of the first request
// alone, and fails on another one with a *collector.Error of ReasonRedirect.
// Closing a body makes its connection usable again.
func Confine(c *http.Client, r Rules) *http.Client {
	confined := http.Client{}
	if c != nil {
		confined = *c
	}
	next := confined.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	confined.Transport = &transport{next: next, rules: r}
	confined.CheckRedirect = followSameOrigin(confined.CheckRedirect, r)
	return &confined
}
