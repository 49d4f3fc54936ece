package check

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/internal/diff"
)

// Options of Run. A zero field takes its default.
type Options struct {
	// Base and Head are the earlier and the later profiles, in any form that diff reads, such
	// as files. They replace Target and Command.
	Base, Head []string
	// Source is part of the prefix that a source, such as a pod, puts before its lines in a
	// log. Default: the dumps of all sources are added up.
	Source string
	// Target is the URL of the target's goroutine profile, or gops://host:port
	// for its gops agent. Without a path it is /debug/pprof/goroutine.
	Target string
	// Client makes the requests. Default http.DefaultClient.
	Client *http.Client
	// Command and its arguments.
	Command []string
	// Wait is how long to wait for a target that is not up yet. Default: not at all.
	Wait time.Duration
	// Repeat is how many times the command runs. A stack has leaked if it grew each
	// time; that of a pool that fills does not. Default 1.
	Repeat int
	// Settle bounds how long to wait for goroutines to end after the command. Default
	// 30 s. If none ends for a third of it, the wait is over, unless a goroutine that is
	// left sleeps, works or reads.
	Settle time.Duration
	// Interval is the time between two profiles while waiting. Default a
	// thirtieth of Settle, at least 100 ms, at most 2 s.
	Interval time.Duration
	// Allow is how many goroutines may stay without a failure. Default 0.
	Allow int64
	// Match leaves out stacks without a frame that matches, and Ignore those with one. A
	// frame is "function file:line".
	Match, Ignore *regexp.Regexp
	// Format of the report on stdout, one of diff's. Default diff.FormatTable.
	Format string
	// JUnit is a file for a report in the format of CI servers. Default: none.
	JUnit string
	// SARIF and CodeQuality are files for reports of code scanning and of GitLab.
	// Default: none.
	SARIF, CodeQuality string
	// Root is the checkout with the paths of these reports. Default: the working directory.
	Root string
}

// withDefaults checks the options and fills in the defaults.
func (o Options) withDefaults() (Options, error) {
	switch o.Format {
	case "", diff.FormatTable, diff.FormatJSON, diff.FormatMarkdown, FormatGitHub:
	default:
		return o, fmt.Errorf("no format %q", o.Format)
	}
	if o.Allow < 0 {
		return o, fmt.Errorf("--allow: %d cannot be negative, expected a number such as 0", o.Allow)
	}
	if o.hasDumps() {
		return o, o.checkDumps()
	}
	u, err := url.Parse(o.Target)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "gops") || u.Host == "" {
		return o, fmt.Errorf("--target: want the URL of a goroutine profile, such as http://127.0.0.1:8080/debug/pprof/goroutine, got %q", withoutPassword(o.Target))
	}
	if u.Scheme != "gops" && (u.Path == "" || u.Path == "/") {
		u.Path = "/debug/pprof/goroutine"
		o.Target = u.String()
	}
	if len(o.Command) == 0 {
		return o, errors.New("no command to run: put it after --")
	}
	for _, f := range []struct {
		name     string
		value    any
		negative bool
		expected string
	}{
		{"repeat", o.Repeat, o.Repeat < 0, "a number such as 3"},
		{"settle", o.Settle, o.Settle < 0, "a duration such as 30s"},
		{"wait", o.Wait, o.Wait < 0, "a duration such as 30s, or 0s"},
		{"interval", o.Interval, o.Interval < 0, "a duration such as 1s"},
	} {
		if f.negative {
			return o, fmt.Errorf("--%s: %v cannot be negative, expected %s", f.name, f.value, f.expected)
		}
	}
	o.Repeat = cmp.Or(o.Repeat, 1)
	o.Settle = cmp.Or(o.Settle, 30*time.Second)
	o.Interval = cmp.Or(o.Interval, min(max(o.Settle/30, 100*time.Millisecond), 2*time.Second))
	return o, nil
}

// hasDumps reports whether existing profiles are compared.
func (o *Options) hasDumps() bool { return len(o.Base)+len(o.Head) > 0 }

// checkDumps checks the options for these.
func (o *Options) checkDumps() error {
	switch {
	case o.Target != "" || len(o.Command) > 0:
		return errors.New("--base and --head compare profiles that exist already: leave out --target and the command")
	case len(o.Base) == 0:
		return errors.New("--head needs --base, the earlier profile")
	case len(o.Head) == 0:
		return errors.New("--base needs --head, the later profile")
	}
	return nil
}

// withoutPassword removes the password from a target that is not a URL.
func withoutPassword(target string) string {
	if at := strings.LastIndexByte(target, '@'); at >= 0 {
		return "…" + target[at:]
	}
	return target
}
