package known

import (
	"net/url"
	"strings"
)

// Name returns what to call a match: "known", or "possibly known".
func (m Match) Name() string {
	if m.IsCertain {
		return "known"
	}
	return "possibly known"
}

// Short says in a few words where the leak is fixed and reported: "fixed in v1.39.0
// (grpc/grpc-go#4447)".
func (m Match) Short() string {
	ref := Ref(m.Entry.Issue)
	if m.Entry.Fixed == "" {
		return "reported as " + ref
	}
	return "fixed in " + m.Entry.Fixed + " (" + ref + ")"
}

// Sentence is Short with what leaks and what to do, without a full stop.
func (m Match) Sentence() string {
	return m.Short() + ": " + m.Entry.Summary + " " + strings.TrimSuffix(m.Entry.Do, ".")
}

// Ref returns a short name of an issue: "owner/name#12" on a Git forge, else its address without
// the scheme.
func Ref(issue string) string {
	u, err := url.Parse(issue)
	if err != nil {
		return issue
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if n := len(parts); n >= 4 {
		repo := parts[:n-2]
		if kind := parts[n-2]; kind == "issues" || kind == "pull" || kind == "merge_requests" {
			if repo[len(repo)-1] == "-" { // GitLab
				repo = repo[:len(repo)-1]
			}
			return strings.Join(repo, "/") + "#" + parts[n-1]
		}
	}
	return u.Host + u.Path
}
