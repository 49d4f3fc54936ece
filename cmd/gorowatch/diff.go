package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/check"
	"github.com/gorowatch/gorowatch/internal/convert"
	"github.com/gorowatch/gorowatch/internal/diff"
)

func addDiff(c *cli) {
	cmd := c.Command("diff", "Compare two goroutine profiles and show the stacks that grew.")
	o := diff.Options{}
	topSet := false
	cmd.Arg("base", "The earlier profile: a file, BUNDLE:MEMBER ('BUNDLE:*' adds up several), an http(s) URL, or gops://host:port; proto, debug=1 or debug=2, also out of a log.").Required().StringVar(&o.Base)
	cmd.Arg("head", "The later profile.").Required().StringVar(&o.Head)
	cmd.Flag("format", "Output format: table, json or markdown.").Default(diff.FormatTable).EnumVar(&o.Format, diff.FormatTable, diff.FormatJSON, diff.FormatMarkdown)
	cmd.Flag("top", "Number of stacks to show, those that grew most; 0: all. Default 20, and all in JSON.").PlaceHolder("N").IsSetByUser(&topSet).IntVar(&o.Top)
	cmd.Flag("label", "Split stacks by the pprof label KEY, or keep only goroutines with KEY=VALUE.").PlaceHolder("KEY[=VALUE]").StringVar(&o.Label)
	pod := podFlag(cmd)
	file := cmd.Flag(httpConfigFlag, "HTTP client configuration file to fetch profiles with: authorization, TLS, proxy.").PlaceHolder("FILE").ExistingFile()
	c.add(cmd, func(ctx context.Context, stdout, stderr io.Writer) error {
		if o.Label != "" && (o.Label[0] == '=' || strings.HasSuffix(o.Label, "=")) {
			return fmt.Errorf("--label: %q is no label, expected KEY or KEY=VALUE", o.Label)
		}
		if o.Top < 0 {
			return fmt.Errorf("--top: %d is negative, expected a number of stacks, or 0 for all", o.Top)
		}
		if !topSet {
			o.Top = diff.DefaultTop(o.Format)
		}
		o.Loader.Options.Limits.Source = *pod
		client, err := httpClient(*file, "diff")
		if err != nil {
			return err
		}
		o.Loader.Client = client
		return withLogin(diff.Run(ctx, o, stdout, stderr))
	})
}

// podFlag adds the flag that selects the pod of a log.
func podFlag(cmd *kingpin.CmdClause) *string {
	return cmd.Flag("pod", "In a log with dumps of several pods, read only lines that begin with TEXT. By default all pods are added up.").PlaceHolder("TEXT").String()
}

func addConvert(c *cli) {
	cmd := c.Command("convert", "Write a goroutine dump as a profile that go tool pprof opens.")
	o := convert.Options{}
	cmd.Arg("dump", "The profile: whatever diff takes.").Required().StringVar(&o.Dump)
	cmd.Flag("output", "File to write, such as out.pb.gz; - is standard output.").Short('o').Required().PlaceHolder("FILE").StringVar(&o.Output)
	pod := podFlag(cmd)
	file := cmd.Flag(httpConfigFlag, "HTTP client configuration file to fetch profiles with: authorization, TLS, proxy.").PlaceHolder("FILE").ExistingFile()
	c.add(cmd, func(ctx context.Context, stdout, stderr io.Writer) error {
		o.Loader.Options.Limits.Source = *pod
		client, err := httpClient(*file, "convert")
		if err != nil {
			return err
		}
		o.Loader.Client = client
		return withLogin(convert.Run(ctx, o, stdout, stderr))
	})
}

func addCheck(c *cli) {
	cmd := c.Command("check", "Run a command and fail if goroutines of the target stay afterwards; or compare dumps.")
	o := check.Options{}
	cmd.Flag("base", "The earlier profile, in any form that diff reads, instead of a target and a command. Repeatable.").PlaceHolder("PROFILE").StringsVar(&o.Base)
	cmd.Flag("head", "The later profile. Repeatable; a leak must be in each of them.").PlaceHolder("PROFILE").StringsVar(&o.Head)
	cmd.Flag("target", "Goroutine profile of the target: an http(s) URL, by default at /debug/pprof/goroutine, or gops://host:port.").PlaceHolder("URL").StringVar(&o.Target)
	cmd.Flag("wait", "How long to wait for a target that is not up yet; 0s: do not wait.").Default("30s").DurationVar(&o.Wait)
	cmd.Flag("settle", "How long goroutines may take to end after the command.").Default("30s").DurationVar(&o.Settle)
	cmd.Flag("repeat", "How often to run the command. A leak must grow each time.").Default("1").IntVar(&o.Repeat)
	cmd.Flag("allow", "Goroutines that may stay.").Default("0").Int64Var(&o.Allow)
	cmd.Flag("match", "Keep only stacks with a matching frame.").PlaceHolder("REGEXP").RegexpVar(&o.Match)
	cmd.Flag("ignore", "Leave out stacks with a matching frame.").PlaceHolder("REGEXP").RegexpVar(&o.Ignore)
	cmd.Flag("format", "Output format: table, json, markdown, or github: a table, and an annotation at the line of each leak.").Default(diff.FormatTable).EnumVar(&o.Format, diff.FormatTable, diff.FormatJSON, diff.FormatMarkdown, check.FormatGitHub)
	cmd.Flag("sarif", "Write a SARIF 2.1.0 report for code scanning to this file.").PlaceHolder("FILE").StringVar(&o.SARIF)
	cmd.Flag("codequality", "Write a code quality report for GitLab to this file.").PlaceHolder("FILE").StringVar(&o.CodeQuality)
	cmd.Flag("junit", "Write a JUnit XML report to this file.").PlaceHolder("FILE").StringVar(&o.JUnit)
	pod := podFlag(cmd)
	file := cmd.Flag(httpConfigFlag, "HTTP client configuration file to fetch profiles with: authorization, TLS, proxy.").PlaceHolder("FILE").ExistingFile()
	cmd.Arg("command", "The command and its arguments, after --.").StringsVar(&o.Command)
	c.add(cmd, func(ctx context.Context, stdout, stderr io.Writer) (err error) {
		// The package treats 0 as not set.
		switch {
		case len(o.Base)+len(o.Head) > 0:
		case o.Target == "":
			return errors.New("required flag --target (or --base and --head) not provided, try --help")
		case len(o.Command) == 0:
			return errors.New("required argument 'command' not provided, try --help")
		}
		if o.Repeat < 1 {
			return fmt.Errorf("--repeat: %d, expected 1 or more", o.Repeat)
		}
		if o.Settle <= 0 {
			return fmt.Errorf("--settle: %s, expected a duration of more than 0, e.g. 30s", o.Settle)
		}
		o.Source = *pod
		if o.Root, err = os.Getwd(); err != nil {
			return err
		}
		if o.Client, err = httpClient(*file, "check"); err != nil {
			return err
		}
		o.Match, o.Ignore = forReadable(o.Match), forReadable(o.Ignore)
		leaked, err := check.Run(ctx, o, stdout, stderr)
		if err == nil && leaked {
			return errLeak
		}
		return withLogin(err)
	})
}

// forReadable makes a pattern match functions as they are shown. A pattern for the escaped dots
// of profiles keeps its meaning.
func forReadable(re *regexp.Regexp) *regexp.Regexp {
	if re == nil {
		return nil
	}
	if readable, err := regexp.Compile(collector.ReadablePattern(re.String())); err == nil {
		return readable
	}
	return re
}
