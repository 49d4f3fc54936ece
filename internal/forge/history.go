package forge

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// timeout bounds one question, with the three requests that it takes at most.
	timeout = 10 * time.Second
	// fresh is how long an answer is used. After a failure, the forge is asked again later.
	fresh       = 15 * time.Minute
	afterFailed = 5 * time.Minute
	// maxKept bounds the cache, and maxAsking the concurrent requests.
	maxKept   = 200
	maxAsking = 2
)

// Answer has the known commits of a file and of its folder.
type Answer struct {
	Commits []Commit // newest first
	// Problem says in plain words why there are none; empty: nothing went wrong.
	Problem string
	// IsLoading means that the forge is being asked.
	IsLoading bool
}

// History has the commits of the files of a repository.
type History struct {
	repo *Repo
	now  func() time.Time

	mu     sync.Mutex
	cache  map[question]*cached
	asking int
	work   sync.WaitGroup
}

// question is about a file in a version. previous is the version before; empty: unknown.
type question struct{ file, version, previous string }

type cached struct {
	answer Answer
	until  time.Time // zero while the forge is asked
	used   time.Time
}

// NewHistory makes a History without answers.
func NewHistory(r *Repo) *History {
	return &History{repo: r, now: time.Now, cache: map[question]*cached{}}
}

// Of returns the known commits that changed a file or its folder in a version, and asks the
// forge in the background for missing ones. A folder in Go is a package; a forge counts the
// folders below it too. previous is the version before, which shows which commits are
// new; it may be empty. Of never waits.
func (h *History) Of(file, version, previous string) Answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, q := h.now(), question{file, version, previous}
	k := h.cache[q]
	if k == nil {
		k = &cached{answer: Answer{IsLoading: true}, until: now}
		h.cache[q] = k
		h.trim(q)
	}
	k.used = now
	if !k.until.IsZero() && !now.Before(k.until) && h.asking < maxAsking {
		k.until = time.Time{}
		h.asking++
		h.work.Go(func() { h.ask(q, k) })
	}
	return k.answer
}

// trim drops the answer that was not used for the longest time, but not the one in keep.
func (h *History) trim(keep question) {
	if len(h.cache) <= maxKept {
		return
	}
	oldest := slices.MinFunc(slices.Collect(maps.Keys(h.cache)), func(a, b question) int {
		switch {
		case a == keep:
			return 1
		case b == keep:
			return -1
		}
		return h.cache[a].used.Compare(h.cache[b].used)
	})
	delete(h.cache, oldest)
}

// ask asks the forge and stores the answer. An earlier answer stays if the forge fails.
func (h *History) ask(q question, k *cached) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	commits, err := h.repo.around(ctx, q)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asking--
	if err == nil {
		k.answer, k.until = Answer{Commits: commits}, h.now().Add(fresh)
		return
	}
	wait := afterFailed
	if l, ok := errors.AsType[limited](err); ok {
		wait = max(wait, l.wait)
	}
	k.until = h.now().Add(wait)
	k.answer = Answer{Commits: k.answer.Commits, Problem: problem(err)}
}

// around returns the commits that changed a file or its folder, newest first.
func (r *Repo) around(ctx context.Context, q question) ([]Commit, error) {
	// The path comes from a profile, and must stay within the repository.
	file := strings.TrimPrefix(path.Clean("/"+q.file), "/")
	commits, err := r.commits(ctx, file, q.version, maxCommits)
	if err != nil {
		return nil, err
	}
	for i := range commits {
		commits[i].InFile = true
	}
	// All of a repository would say nothing about a package in its root.
	where := file
	if folder := path.Dir(file); folder != "." || r.folder != "" {
		// Without an answer, those of the file are better than nothing.
		if others, failed := r.commits(ctx, folder, q.version, maxCommits); failed == nil {
			commits, where = merge(commits, others), folder
		}
	}
	if q.previous != "" && len(commits) > 0 {
		// Without an answer, no commit is marked as new.
		if before, failed := r.commits(ctx, where, q.previous, 1); failed == nil && len(before) > 0 {
			mark(commits, before[0])
		}
	}
	return commits, nil
}

// leastOfFile is how many commits of a file are kept, however busy its folder is.
const leastOfFile = 5

// merge adds the commits of the folder to those of a file, newest first.
func merge(ofFile, ofFolder []Commit) []Commit {
	out := append([]Commit{}, ofFile[:min(len(ofFile), leastOfFile)]...)
	rest := append(ofFolder[:len(ofFolder):len(ofFolder)], ofFile[len(out):]...)
	slices.SortStableFunc(rest, newestFirst)
	for _, c := range rest {
		c.InFile = c.InFile || slices.ContainsFunc(ofFile, func(f Commit) bool { return f.ID == c.ID })
		if len(out) < maxCommits && !slices.ContainsFunc(out, func(o Commit) bool { return o.ID == c.ID }) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, newestFirst)
	return out
}

func newestFirst(a, b Commit) int { return b.Time.Compare(a.Time) }

// mark marks the commits that came after the last one of the version before. If that one is
// not in the list, those that are younger are new.
func mark(commits []Commit, last Commit) {
	for i := range commits {
		if commits[i].ID == last.ID || commits[i].Time.Before(last.Time) {
			return
		}
		commits[i].IsNew = true
	}
}

func problem(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer within " + timeout.String()
	}
	return err.Error()
}

// Wait returns when no request is running.
func (h *History) Wait() { h.work.Wait() }
