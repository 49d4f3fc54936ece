// Package fetch owns what all HTTP clients of gorowatch have in common: which redirects they
// follow, so that credentials stay with their server; how much of a body they read; when a
// server wants the next request; and what a status means.
//
// NewClient makes a client from a configuration, and Confine gives a client the rules of its
// caller. With such a client a request is
//
//	resp, err := client.Do(req)
//	if err != nil {
//		return collector.NetworkError(req.URL, err)
//	}
//	defer resp.Body.Close()
//	if resp.StatusCode != http.StatusOK {
//		return collector.Errorf(fetch.ReasonOfStatus(resp.StatusCode), "%s", fetch.StatusText(resp.StatusCode))
//	}
//
// and reading the body fails past the bound. RetryAfter returns how long a pause the server
// asks for, Explanation how it explains its failure.
//
// The package does not know what is requested, never tries again by itself and keeps nothing
// between two requests but OAuth2 tokens. Its callers are the clients of Prometheus, of
// profiles, of metrics and of alert receivers.
package fetch
