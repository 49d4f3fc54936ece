package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/prometheus/common/model"

	"github.com/gorowatch/gorowatch/internal/api/client"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/canary"
	"github.com/gorowatch/gorowatch/internal/human"
)

// errUndecided ends a command that could not find out.
var errUndecided = errors.New("undecided")

type verdictFlags struct {
	apiFlags
	match, since, window, wait, format *string
}

func addVerdict(c *cli) {
	cmd := c.Command("verdict", "Say whether a rollout may go on: compare the processes that have started since with those before. Exits with 0 if it may, 1 if it leaks, 3 if it is too early to tell.")
	f := &verdictFlags{
		apiFlags: addAPI(cmd),
		match:    cmd.Flag("match", `Matchers of the labels of the service, e.g. namespace="prod",job="checkout".`).Required().PlaceHolder("MATCHERS").String(),
		since:    cmd.Flag("since", "When the rollout began: Unix seconds, RFC 3339, or how long ago.").Default("30m").String(),
		window:   cmd.Flag("window", "How long a new process has to run without growth to pass, from 10m to 6h.").Default("30m").String(),
		wait:     cmd.Flag("wait", "How long to ask again while it is undecided, e.g. 20m; without it, it is asked once.").PlaceHolder("DURATION").String(),
		format:   cmd.Flag("format", "Output format: text or json.").Default("text").Enum("text", "json"),
	}
	c.add(cmd, f.run)
}

func (f *verdictFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	var wait time.Duration
	if *f.wait != "" {
		var err error
		if wait, err = duration("--wait", *f.wait); err != nil {
			return err
		}
	}
	u, c, err := f.connect()
	if err != nil {
		return err
	}
	api := client.New(u, c)
	query := url.Values{"match": {*f.match}, "since": {f.start(time.Now())}, "window": {*f.window}}
	const between = 30 * time.Second
	said := ""
	for begin := time.Now(); ; {
		var v v1.RolloutVerdict
		err := api.Get(ctx, query, &v, "verdict")
		left := wait - time.Since(begin)
		switch {
		case err != nil && (!client.IsTemporary(err) || left <= 0):
			return withLogin(err)
		case err == nil && (v.Verdict != string(canary.Undecided) || left <= 0):
			return f.write(stdout, v, api)
		}
		// A log that is silent for 20 minutes looks as if it hangs.
		if say := progress(v, err); say != said {
			said = say
			fmt.Fprintf(stderr, "gorowatch: %s; asking again for %s\n", say, human.Duration(left))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(between, max(left, time.Second))):
		}
	}
}

// progress returns a line for the time of the wait.
func progress(v v1.RolloutVerdict, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case len(v.Reasons) > 0:
		return v.Verdict + ": " + human.Line(v.Reasons[0], 300)
	}
	return v.Verdict
}

// start returns --since as a time, so that the rollout does not move during the wait. The
// server reads what is not a duration.
func (f *verdictFlags) start(now time.Time) string {
	d, err := model.ParseDuration(*f.since)
	if err != nil {
		return *f.since
	}
	return now.Add(-time.Duration(d)).UTC().Format(time.RFC3339)
}

func (f *verdictFlags) write(w io.Writer, v v1.RolloutVerdict, api *client.Client) error {
	if *f.format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		if err := enc.Encode(v); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(w, "%s: processes since %s\n", v.Verdict, human.FullTime(v.Since))
		for _, reason := range v.Reasons {
			fmt.Fprintln(w, "  "+human.Line(reason, 500))
		}
		for _, s := range v.Services {
			switch {
			case len(s.Leaks) > 0:
				for _, id := range s.Leaks {
					fmt.Fprintln(w, "  "+api.Page("leaks", id))
				}
			case s.Verdict != string(canary.Pass):
				fmt.Fprintln(w, "  "+api.Page("services", s.ID))
			}
		}
	}
	switch canary.Verdict(v.Verdict) {
	case canary.Pass:
		return nil
	case canary.Fail:
		return errLeak
	}
	return errUndecided
}
