package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/prometheus/common/version"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/mcp"
)

type mcpFlags struct {
	apiFlags
	prometheus, prometheusConfig *string
}

func addMCP(c *cli) {
	cmd := c.Command("mcp", "Answer an agent over the Model Context Protocol on standard input and output: what leaks, on which line, and why. Read-only.")
	f := &mcpFlags{
		apiFlags:         addAPI(cmd),
		prometheus:       cmd.Flag("prometheus.url", "Base URL of a Prometheus whose history the agent may have scanned.").String(),
		prometheusConfig: cmd.Flag("prometheus.http.config.file", "HTTP client configuration file for that Prometheus.").PlaceHolder("FILE").String(),
	}
	c.add(cmd, f.run)
}

func (f *mcpFlags) run(ctx context.Context, stdout, _ io.Writer) error {
	s, err := f.server()
	if err != nil {
		return err
	}
	// Standard output belongs to the protocol.
	err = s.Run(ctx, &sdk.IOTransport{Reader: os.Stdin, Writer: noClose{stdout}})
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// server makes the server of the flags.
func (f *mcpFlags) server() (*sdk.Server, error) {
	u, c, err := f.connect()
	if err != nil {
		return nil, err
	}
	o := mcp.Options{URL: u, HTTP: c, Version: version.Version}
	if *f.prometheus != "" {
		o.Scan = f.scan
	}
	return mcp.New(o)
}

// scan runs the command scan for an agent.
func (f *mcpFlags) scan(ctx context.Context, start, end time.Time, selector string) ([]v1.Leak, error) {
	const longest = 10 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	args := []string{
		"scan", "--format=json", "--no-progress", "--prometheus.url=" + *f.prometheus,
		"--start=" + start.UTC().Format(time.RFC3339), "--end=" + end.UTC().Format(time.RFC3339), "--selector=" + selector,
	}
	if *f.prometheusConfig != "" {
		args = append(args, "--"+httpConfigFlag+"="+*f.prometheusConfig)
	}
	var out, problems bytes.Buffer
	c := newCLI(&out, &problems)
	name, err := c.Parse(args)
	if err != nil {
		return nil, err
	}
	if err := c.commands[name](ctx, &out, &problems); err != nil {
		return nil, err
	}
	var report struct{ Leaks []v1.Leak }
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		return nil, fmt.Errorf("the scan said nothing: %s", strings.TrimSpace(problems.String()))
	}
	return report.Leaks, nil
}

// noClose keeps standard output open.
type noClose struct{ io.Writer }

func (noClose) Close() error { return nil }
