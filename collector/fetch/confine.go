package fetch

import "net/http"

// Rules restrict a confined client.
type Rules struct {
	// Advice tells a person what to do about a redirect that is not followed.
	Advice string
	// SameMethod follows a redirect only if it repeats the request. A POST that becomes a GET
	// of a log-in page would end in a 200 although nothing was delivered. The response with the
	// redirect is returned instead.
	SameMethod bool
	// MaxBytes bounds a body, as it is after decompression; 0 is no bound. The
	// error past it is a *collector.Error of ReasonTooLarge with the text of
	// TooLarge.
	MaxBytes int64
	TooLarge string
}

// Confine returns a copy of a client that follows the rules; nil is a plain client.
//
// It follows redirects only within the scheme, host and port of the first request. It fails on
// others with a *collector.Error of ReasonRedirect. Closing a body makes its connection usable
// again.
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
