package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"golang.org/x/term"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/collector/promapi"
	"github.com/gorowatch/gorowatch/internal/archive"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/scan"
	"github.com/gorowatch/gorowatch/trend"
)

// scanFlags are the flags of scan.
type scanFlags struct {
	config             *string
	prometheus, tsdb   *string
	profiles           *string
	httpConfig         *string
	timeout            *time.Duration
	since, start, end  *string
	step               *string
	selector, load     *string
	groupBy            *[]string
	grouped            bool // set on the command line
	replicaLabels      *[]string
	replicated         bool // set on the command line
	compare, explain   *string
	format             *string
	limit              *int
	failOnLeak, silent *bool
	verbose            *bool
}

func addScan(c *cli) {
	cmd := c.Command("scan", "Find past leaks in a Prometheus, or in its data on disk, as the daemon would have found them.")
	f := scanFlags{
		config:     cmd.Flag("config.file", "Configuration file of serve. Its Prometheus section and services.group_by apply unless flags override them.").PlaceHolder("FILE").ExistingFile(),
		prometheus: cmd.Flag("prometheus.url", "Base URL of the Prometheus to read.").PlaceHolder("URL").String(),
		tsdb:       cmd.Flag("tsdb.path", "Folder of Prometheus blocks, or a whole data directory. It is only read.").PlaceHolder("DIR").String(),
		profiles:   cmd.Flag("profiles", "Bucket with recorded profiles, as gorowatch keeps them, to attribute growth to stacks.").PlaceHolder("BUCKET-URL").String(),
		httpConfig: cmd.Flag(httpConfigFlag, "HTTP client configuration file to connect to Prometheus: authorization, TLS, proxy.").PlaceHolder("FILE").ExistingFile(),
		timeout:    cmd.Flag("prometheus.timeout", "Timeout of a query.").Default("2m").Duration(),
		since:      cmd.Flag("since", "How far back to look, e.g. 7d. The default is 7d, or all that a folder holds.").PlaceHolder("DURATION").String(),
		start:      cmd.Flag("start", "Start time, RFC 3339 or Unix seconds; instead of --since.").PlaceHolder("TIME").String(),
		end:        cmd.Flag("end", "End time; the default is now, or the end of the data.").PlaceHolder("TIME").String(),
		step:       cmd.Flag("step", "Time between two evaluations, and between two samples from Prometheus.").Default("1m").String(),
		selector:   cmd.Flag("selector", `Instances to read, e.g. {namespace="prod"}.`).PlaceHolder("SELECTOR").String(),
		load:       cmd.Flag("load", "Metric or PromQL expression for the load of the instances, instead of prometheus.series.load. With --tsdb.path a metric, or rate(NAME[5m]).").PlaceHolder("EXPR").String(),
		compare:    cmd.Flag("compare", "Alerting rule to evaluate on the same history and to show beside the result. Needs --prometheus.url.").PlaceHolder("'EXPR for DURATION'").String(),
		explain:    cmd.Flag("explain", "Show how one service was judged. Its name as in the table, or an unambiguous part of it.").PlaceHolder("SERVICE").String(),
		format:     cmd.Flag("format", "Output format: table, json or markdown.").Default("table").Enum("table", "json", "markdown"),
		limit:      cmd.Flag("limit", "Maximum number of rows in a table; 0: no limit. JSON always has all.").Default("30").Int(),
		verbose:    cmd.Flag("verbose", "With --explain, also show what was known when the leak was detected, and longer tables.").Short('v').Bool(),
		failOnLeak: cmd.Flag("fail-on-leak", "Exit with 1 if a leak is open at the end.").Bool(),
		silent:     cmd.Flag("no-progress", "Do not show a progress bar.").Bool(),
	}
	f.groupBy = cmd.Flag("group-by", "Label that the instances of a service share; repeatable.").Default("namespace", "job").IsSetByUser(&f.grouped).Strings()
	f.replicaLabels = cmd.Flag("replica-label", "Label that distinguishes replicas of a Prometheus. Series that differ only in it are one instance. Repeatable; empty for none.").Default("prometheus_replica", "replica", "__replica__").IsSetByUser(&f.replicated).Strings()
	c.add(cmd, f.run)
}

// tsdbSource is a TSDB on disk.
type tsdbSource interface {
	collector.SeriesSource
	MinTime() time.Time
	MaxTime() time.Time
	Close() error
}

func (f *scanFlags) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	step, err := duration("--step", *f.step)
	if err != nil {
		return err
	}
	if step < time.Second || step > time.Hour {
		return fmt.Errorf("--step: %s is out of range, expected 1s to 1h", model.Duration(step))
	}
	if *f.limit < 0 {
		return fmt.Errorf("--limit: %d is negative", *f.limit)
	}
	for _, name := range *f.groupBy {
		if !model.UTF8Validation.IsValidLabelName(name) {
			return fmt.Errorf("--group-by: %q is not a label name", name)
		}
	}
	conf, err := f.settings()
	if err != nil {
		return err
	}
	o := scan.Options{
		Step: step, GroupBy: conf.Services.GroupBy, Workers: runtime.GOMAXPROCS(0),
		Trend:   trend.Options{MinConfidence: conf.Alerting.MinConfidence},
		Explain: *f.explain, RequireLabels: f.grouped,
	}
	if *f.compare != "" {
		rule, err := scan.ParseRule(*f.compare)
		if err != nil {
			return fmt.Errorf("--compare: %w", err)
		}
		if *f.tsdb != "" {
			return errors.New("--compare: needs --prometheus.url, for Prometheus evaluates the expression")
		}
		o.Rule = &rule
	}
	var first, last time.Time // of the data, if known
	switch {
	case *f.prometheus != "" && *f.tsdb != "":
		return errors.New("--prometheus.url and --tsdb.path: expected one of them")
	case *f.tsdb != "":
		var src tsdbSource
		if src, err = openTSDB(*f.tsdb, &conf); err == nil {
			defer func() { err = errors.Join(err, src.Close()) }()
			o.Source = src
			first, last = src.MinTime().Add(-time.Millisecond), src.MaxTime()
		}
	case conf.Prometheus.URL.URL != nil:
		var src *promapi.Source
		src, err = f.openPrometheus(conf, step)
		o.Source, o.Evaluator = src, src
		last = time.Now()
		first = last.Add(-7 * 24 * time.Hour)
	default:
		return errors.New("nothing to scan: set --prometheus.url or --tsdb.path")
	}
	if err != nil {
		return err
	}
	if o.Start, o.End, err = f.span(first, last); err != nil {
		return err
	}

	if *f.profiles != "" {
		a, err := archive.Open(ctx, *f.profiles, archive.Options{
			GroupBy: conf.Services.GroupBy,
			Decode: func(ctx context.Context, r io.Reader, taken time.Time) (*collector.Profile, error) {
				return pprof.ParseContext(ctx, r, taken, pprof.Limits{})
			},
		})
		if err != nil {
			return fmt.Errorf("--profiles: %w", err)
		}
		defer func() { err = errors.Join(err, a.Close()) }()
		o.Profiles = a
	}
	wipe := func() {}
	if file, ok := stderr.(*os.File); ok && !*f.silent && term.IsTerminal(int(file.Fd())) {
		o.Progress, wipe = scan.Bar(stderr, time.Now(), time.Now)
	}
	result, err := scan.Run(ctx, o)
	wipe()
	switch {
	case errors.Is(err, scan.ErrNoSeries):
		return fmt.Errorf("%w from %s to %s: does Prometheus scrape Go services, do --selector and the time match?", scan.ErrNoSeries,
			human.FullTime(o.Start), human.FullTime(o.End))
	case errors.Is(err, context.Canceled):
		err = errors.New("interrupted")
	}
	if result == nil {
		return err
	}
	for _, w := range result.Warnings {
		fmt.Fprintln(stderr, "gorowatch: the source says:", w)
	}
	for _, a := range result.Advice {
		fmt.Fprintln(stderr, "gorowatch: "+a)
	}
	if err != nil {
		fmt.Fprintf(stderr, "gorowatch: the scan ended early, at %s; this is what was found up to there\n", result.End.UTC().Format(time.RFC3339))
	}
	if err := errors.Join(err, f.write(stdout, result)); err != nil {
		return err
	}
	if *f.failOnLeak && result.Open() {
		return errLeak
	}
	return nil
}

// write writes the result in the requested format.
func (f *scanFlags) write(w io.Writer, r *scan.Result) error {
	v := scan.View{Limit: *f.limit, Verbose: *f.verbose}
	if file, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			v.Width = width
		}
	}
	switch *f.format {
	case "json":
		return r.JSON(w)
	case "markdown":
		return r.Markdown(w, v)
	}
	return r.Table(w, v)
}

// span returns the time to scan. first and last are the bounds of the data.
func (f *scanFlags) span(first, last time.Time) (start, end time.Time, err error) {
	end = last
	if *f.end != "" {
		if end, err = parseTime("--end", *f.end); err != nil {
			return start, end, err
		}
	}
	start = first
	switch {
	case *f.start != "" && *f.since != "":
		return start, end, errors.New("--start and --since: expected one of them")
	case *f.start != "":
		start, err = parseTime("--start", *f.start)
	case *f.since != "":
		var d time.Duration
		d, err = duration("--since", *f.since)
		start = end.Add(-d)
	case *f.end != "" && *f.tsdb == "":
		start = end.Add(-7 * 24 * time.Hour)
	}
	if err == nil && !start.Before(end) {
		err = fmt.Errorf("the start, %s, is not before the end, %s", start.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339))
	}
	return start, end, err
}

// duration reads a duration as Prometheus writes them, e.g. 7d.
func duration(flag, s string) (time.Duration, error) {
	d, err := model.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s: %q is not a duration, expected e.g. 30s, 5m or 7d", flag, s)
	}
	return time.Duration(d), nil
}

// parseTime reads a time as promtool does.
func parseTime(flag, s string) (time.Time, error) {
	const latest = 253402300799 // the end of the year 9999
	if x, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(x) <= latest {
		return time.UnixMilli(int64(x * 1000)).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, fmt.Errorf("%s: %q is not a time, expected RFC 3339 such as 2026-03-01T12:00:00Z, or Unix seconds", flag, s)
	}
	return t, nil
}
