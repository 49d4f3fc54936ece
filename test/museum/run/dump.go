package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Goroutine is one of a dump with debug=2.
type Goroutine struct {
	State     string   // such as "chan receive", without the time
	Functions []string // leaf first, its creator last
}

// Dump is all goroutines of a program.
type Dump []Goroutine

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// get reads the answer of a URL, up to 64 MiB.
func get(url string) ([]byte, error) {
	resp, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, 64<<20))
}

// dump asks a program for all of its goroutines.
func dump(s Shown) (Dump, error) {
	text, err := s.get("/debug/pprof/goroutine?debug=2")
	if err != nil {
		return nil, err
	}
	return parse(string(text)), nil
}

var header = regexp.MustCompile(`^goroutine \d+ (?:gp=\S+ m=\S+ )?\[([^\],]+)`)

func parse(text string) (d Dump) {
	for block := range strings.SplitSeq(text, "\n\n") {
		lines := strings.Split(block, "\n")
		groups := header.FindStringSubmatch(lines[0])
		if groups == nil {
			continue
		}
		g := Goroutine{State: groups[1]}
		for _, line := range lines[1:] {
			if line == "" || line[0] == '\t' {
				continue
			}
			if by, ok := strings.CutPrefix(line, "created by "); ok {
				by, _, _ = strings.Cut(by, " in goroutine ")
				g.Functions = append(g.Functions, by)
			} else if i := strings.LastIndexByte(line, '('); i > 0 {
				g.Functions = append(g.Functions, line[:i])
			}
		}
		d = append(d, g)
	}
	return d
}

// count returns the number of goroutines with one of the functions in their stack,
// and the states of these.
func (d Dump) count(functions ...string) (n int, states map[string]int) {
	states = map[string]int{}
	for _, g := range d {
		if slices.ContainsFunc(g.Functions, func(f string) bool { return slices.Contains(functions, readable(f)) }) {
			n++
			states[g.State]++
		}
	}
	return n, states
}
