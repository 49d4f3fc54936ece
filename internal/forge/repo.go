package forge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/internal/human"
)

// Kind is the API of a forge.
type Kind string

// The kinds.
const (
	GitHub Kind = "github"
	GitLab Kind = "gitlab"
)

// Repo is a repository of a forge.
type Repo struct {
	kind   Kind
	api    *url.URL
	path   string // "acme/checkout"
	folder string // of the template, without slashes around it
	client *http.Client
}

// Options of a repository.
type Options struct {
	Kind Kind
	// Template is the address of a line, as in links.source:
	// https://github.com/acme/checkout/blob/{version}/{path}#L{line}. It identifies the
	// repository.
	Template string
	// API is the address of the forge's API. Empty: that of the host of Template.
	API string
	// Client sends the token.
	Client *http.Client
}

// NewRepo finds the repository of a template.
func NewRepo(o Options) (*Repo, error) {
	if o.Client == nil {
		return nil, errors.New("no HTTP client")
	}
	at := strings.Index(o.Template, "{version}")
	folder, _, hasPath := strings.Cut(o.Template[max(at, 0)+len("{version}"):], "{path}")
	if at < 0 || !hasPath {
		return nil, errors.New("the address has no {version} with {path} after it")
	}
	u, err := url.Parse(o.Template[:at])
	if err != nil || u.Host == "" {
		return nil, errors.New("is not an address")
	}
	r := &Repo{kind: o.Kind, folder: strings.Trim(folder, "/"), client: o.Client}
	var ok bool
	switch o.Kind {
	case GitHub:
		r.path, ok = strings.CutSuffix(u.Path, "/blob/")
		ok = ok && strings.Count(r.path, "/") == 2
		if o.API == "" && u.Host == "github.com" {
			o.API = "https://api.github.com"
		}
		o.API = cmp.Or(o.API, u.Scheme+"://"+u.Host+"/api/v3")
	case GitLab:
		r.path, ok = strings.CutSuffix(u.Path, "/-/blob/")
		if !ok {
			r.path, ok = strings.CutSuffix(u.Path, "/blob/")
		}
		ok = ok && strings.Count(r.path, "/") >= 2
		o.API = cmp.Or(o.API, u.Scheme+"://"+u.Host+"/api/v4")
	default:
		return nil, fmt.Errorf("%q is not the API of a forge, expected github or gitlab", o.Kind)
	}
	if !ok {
		return nil, fmt.Errorf("%q is not the address of a file on %s, expected e.g. https://%s.com/org/repo/%sblob/{version}/{path}",
			human.Line(o.Template, 200), o.Kind, o.Kind, map[Kind]string{GitLab: "-/"}[o.Kind])
	}
	r.path = strings.TrimPrefix(r.path, "/")
	if r.api, err = url.Parse(o.API); err != nil || r.api.Host == "" || (r.api.Scheme != "http" && r.api.Scheme != "https") {
		return nil, fmt.Errorf("the API %q is not at an address, expected e.g. https://api.github.com", human.Line(o.API, 200))
	}
	return r, nil
}

// Commit is a commit that changed a file, or another one in its folder.
type Commit struct {
	ID     string
	Title  string // the first line of the message
	Author string
	Time   time.Time
	URL    string
	// InFile means that it changed the file itself.
	InFile bool
	// IsNew means that the version before does not have it.
	IsNew bool
}

// Bounds of an answer.
const (
	maxBody    = 1 << 20 // bytes
	maxCommits = 20
	maxTitle   = 120 // characters
	maxAuthor  = 60
	maxURL     = 2000 // bytes
)

// commits returns the last ones that changed a file or a folder in a version, newest first. ref is a tag,
// branch or commit; empty: the default branch.
func (r *Repo) commits(ctx context.Context, file, ref string, n int) ([]Commit, error) {
	file = strings.TrimPrefix(path.Join("/"+r.folder, file), "/")
	q := url.Values{"path": {file}, "per_page": {strconv.Itoa(n)}}
	var at *url.URL
	refKey := "sha"
	if r.kind == GitHub {
		at = r.api.JoinPath("repos", r.path, "commits")
	} else {
		refKey = "ref_name"
		at = r.api.JoinPath("projects", url.PathEscape(r.path), "repository", "commits")
	}
	if ref != "" {
		q.Set(refKey, ref)
	}
	at.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if r.kind == GitHub {
		req.Header.Set("Accept", "application/vnd.github+json")
		req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	}
	resp, err := r.client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the address is known
		}
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, r.refusal(resp, ref)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer broke off: %w", err)
	case len(body) > maxBody:
		return nil, fmt.Errorf("the answer has more than %d bytes", maxBody)
	}
	if r.kind == GitHub {
		return decodeGitHub(body, n)
	}
	return decodeGitLab(body, n)
}

// limited is the error of a forge with a rate limit.
type limited struct {
	text string
	wait time.Duration
}

func (l limited) Error() string { return l.text }

// maxWait bounds how long a forge is not asked.
const maxWait = 6 * time.Hour

// refusal says in plain words why there are no commits.
func (r *Repo) refusal(resp *http.Response, ref string) error {
	h, now := resp.Header, time.Now()
	wait := fetch.RetryAfter(resp, now)
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized:
		return errors.New("the token is not accepted (401)")
	case code == http.StatusTooManyRequests, code == http.StatusForbidden && (h.Get("X-RateLimit-Remaining") == "0" || wait > 0):
		until := ""
		if s, err := strconv.ParseInt(cmp.Or(h.Get("X-RateLimit-Reset"), h.Get("RateLimit-Reset")), 10, 64); err == nil && s > 0 && s < 1<<40 {
			reset := time.Unix(s, 0).UTC()
			until, wait = " until "+human.FullTime(reset), max(wait, min(reset.Sub(now), maxWait))
		}
		return limited{fmt.Sprintf("the limit of requests is used up%s (%d)", until, code), wait}
	case code == http.StatusForbidden:
		return fmt.Errorf("the token may not read %s (403)", human.Line(r.path, 100))
	case code == http.StatusNotFound && ref != "":
		return fmt.Errorf("%s, or version %s in it, does not exist or is hidden from the token (404)", human.Line(r.path, 100), human.Line(ref, 60))
	case code == http.StatusNotFound:
		return fmt.Errorf("%s does not exist or is hidden from the token (404)", human.Line(r.path, 100))
	default:
		return fmt.Errorf("the answer is %d, expected 200", code)
	}
}

func decodeGitHub(body []byte, n int) ([]Commit, error) {
	type person struct {
		Name string    `json:"name"`
		Date time.Time `json:"date"`
	}
	var list []struct {
		SHA     string `json:"sha"`
		HTMLURL string `json:"html_url"`
		Commit  struct {
			Message           string
			Author, Committer person
		}
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, errors.New("the answer is not a list of commits")
	}
	out := []Commit{}
	for _, c := range list[:min(len(list), n)] {
		out = append(out, newCommit(c.SHA, c.Commit.Message, c.Commit.Author.Name, c.Commit.Committer.Date, c.HTMLURL))
	}
	return out, nil
}

func decodeGitLab(body []byte, n int) ([]Commit, error) {
	var list []struct {
		ID         string    `json:"id"`
		Title      string    `json:"title"`
		AuthorName string    `json:"author_name"`
		Committed  time.Time `json:"committed_date"`
		WebURL     string    `json:"web_url"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, errors.New("the answer is not a list of commits")
	}
	out := []Commit{}
	for _, c := range list[:min(len(list), n)] {
		out = append(out, newCommit(c.ID, c.Title, c.AuthorName, c.Committed, c.WebURL))
	}
	return out, nil
}

// newCommit bounds the texts of a forge.
func newCommit(id, message, author string, at time.Time, to string) Commit {
	title, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	c := Commit{ID: human.Line(id, 64), Title: human.Line(title, maxTitle), Author: human.Line(author, maxAuthor), Time: at}
	if u, err := url.Parse(to); err == nil && len(to) <= maxURL && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil {
		c.URL = u.String()
	}
	return c
}
