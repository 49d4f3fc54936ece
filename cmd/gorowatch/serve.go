package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/app"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/connections"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/shard"
	"github.com/gorowatch/gorowatch/internal/web/hostcheck"
)

// defaultAddress is the address that serve listens on.
const defaultAddress = ":10980"

func addServe(c *cli) {
	cmd := c.Command("serve", "Watch services, and alert when one leaks.").Default()
	o := app.Options{LogIn: logIn, LogDiscovery: logDiscovery, Runtime: collect}
	cmd.Flag("config.file", "Path to the configuration file. Defaults apply without one.").StringVar(&o.ConfigFile)
	cmd.Flag("prometheus.url", "Base URL of the Prometheus to read series from. Overrides the configuration file.").StringVar(&o.PrometheusURL)
	cmd.Flag("storage.url", "Bucket for profiles and leaks, e.g. file:///var/lib/gorowatch or mem://. Overrides the configuration file.").StringVar(&o.StorageURL)
	share := cmd.Flag("shard", "Watch one shard of the services: shard I of N, counted from 0, e.g. 0/3.").PlaceHolder("I/N").String()
	addSeriesFlags(cmd, &o)
	limit := addMemoryFlags(cmd)
	o.Web = webFlags(cmd)
	cmd.Flag("web.external-url", "The URL under which gorowatch is reachable from outside, for links in alerts and pages. Its path prefixes all endpoints.").StringVar(&o.ExternalURL)
	cmd.Flag("web.route-prefix", "Prefix for the internal routes of web endpoints. Defaults to the path of --web.external-url.").StringVar(&o.RoutePrefix)
	hosts := cmd.Flag("web.allowed-hosts", "Further host names to answer, e.g. gorowatch.example.org, *.example.org, or * for any. Always allowed are the host of --web.external-url, IP addresses, localhost, names without a dot and names of Kubernetes Services. Separated by commas, repeatable. Not needed if --web.config.file requires a login.").PlaceHolder("HOST,…").Strings()
	cmd.Flag("web.max-connections", "Maximum number of simultaneous connections across all listeners; at most half of the open file limit. Beyond it, the longest idle connection is closed for a new one.").Default(strconv.Itoa(connections.DefaultMax)).IntVar(&o.MaxConnections)
	cmd.Flag("web.enable-lifecycle", "Enable reload via HTTP request.").BoolVar(&o.EnableLifecycle)
	cmd.Flag("web.enable-admin-api", "Enable actions in the pages and the API: take a profile within its budget, expect a leak, set an owner and a note.").BoolVar(&o.EnableAdminAPI)
	cmd.Flag("web.enable-mcp", "Answer agents over the Model Context Protocol at /mcp, read-only, under the same login as the pages.").BoolVar(&o.EnableMCP)
	cmd.Flag("web.images-listen-address", "Further address that serves the pictures of alerting.images alone, for chat services. Requests need a signature and no login. Not served by default.").PlaceHolder("ADDRESS").StringVar(&o.PictureAddress)
	cmd.Flag("debug.listen-address", "Address to serve gorowatch's own profiles on, under /debug/pprof/. Not served by default.").StringVar(&o.DebugAddress)
	c.add(cmd, func(ctx context.Context, _, _ io.Writer) error {
		// This comes first: an early SIGHUP must not end the process.
		hup := make(chan os.Signal, 1)
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(hup)

		var err error
		if o.Shard, err = shard.Parse(*share); err != nil {
			return fmt.Errorf("--shard: %w", err)
		}
		if o.AllowedHosts, err = allowedHosts(*hosts); err != nil {
			return err
		}
		if o.MaxConnections < 1 {
			return fmt.Errorf("--web.max-connections: %d, expected 1 or more", o.MaxConnections)
		}
		o.Logger = slog.New(shortValues{promslog.New(c.logging).Handler()})
		if err := limit.apply(ctx, o.Logger); err != nil {
			return err
		}
		o.Registry = newRegistry()
		o.Flags = flagValues(cmd)
		o.Logger.Info("Starting gorowatch", "version", version.Info(), "build", version.BuildContext())
		a, err := app.New(ctx, o)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // stopped before it was up: a clean end too
		}
		if err != nil {
			return err
		}
		reloading, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-hup:
					_ = a.Reload(reloading) // logged by the app
				case <-reloading.Done():
					return
				}
			}
		}()
		err = a.Run(ctx)
		stop()
		<-done
		o.Logger.Info("See you next time!")
		return err
	})
}

// allowedHosts splits the values of a repeatable flag with several hosts each.
func allowedHosts(flags []string) (hosts []string, err error) {
	for _, f := range flags {
		for host := range strings.SplitSeq(f, ",") {
			if host = strings.TrimSpace(host); host != "" {
				hosts = append(hosts, host)
			}
		}
	}
	if _, err := hostcheck.New(nil, hosts); err != nil {
		return nil, fmt.Errorf("--web.allowed-hosts: %w", err)
	}
	return hosts, nil
}

// webFlags adds the flags of exporter-toolkit that gorowatch supports. It binds the addresses
// itself, and supports neither systemd sockets nor vsock.
func webFlags(cmd *kingpin.CmdClause) *web.FlagConfig {
	systemd := false
	return &web.FlagConfig{
		WebListenAddresses: cmd.Flag("web.listen-address", "Address to listen on for the pages, the API and the metrics. Repeatable.").Default(defaultAddress).Strings(),
		WebConfigFile:      cmd.Flag("web.config.file", "Path to a file that enables TLS or authentication: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md").Default("").String(),
		WebSystemdSocket:   &systemd,
	}
}

// newRegistry makes a registry with the metrics of the process.
func newRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector("gorowatch"),
	)
	return reg
}

// flagValues returns the values of a command's flags, without passwords in URLs.
func flagValues(cmd *kingpin.CmdClause) map[string]string {
	out := map[string]string{}
	for _, f := range cmd.Model().Flags {
		v := f.Value.String()
		if u, err := url.Parse(v); err == nil && u.User != nil {
			v = u.Redacted()
		}
		out[f.Name] = v
	}
	return out
}

func addCheckConfig(c *cli) {
	cmd := c.Command("check-config", "Check a configuration file and the files that it names, and report all mistakes.")
	syntax := cmd.Flag("syntax-only", "Do not check the files that it names, such as passwords and certificates.").Bool()
	file := cmd.Arg("file", "The configuration file.").Required().String()
	c.add(cmd, func(_ context.Context, stdout, _ io.Writer) error {
		checks := []func(*config.Config) error{checkLogIns, checkTemplates}
		if !*syntax {
			checks = append(checks, (*config.Config).CheckFiles)
		}
		c, err := config.CheckFile(*file, checks...)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s is valid: services by %s, evaluated every %s, %s, %s\n",
			*file, strings.Join(c.Services.GroupBy, ", "), c.Global.EvaluationInterval,
			human.Plural(int64(len(c.Targets)), "set of targets", "sets of targets"),
			human.Plural(int64(len(c.Alerting.Alertmanagers)), "set of Alertmanagers", "sets of Alertmanagers"))
		if c.Prometheus.URL.URL == nil && !c.Scrapes() {
			fmt.Fprintln(stdout, "It names neither a Prometheus nor targets to scrape: serve needs --prometheus.url as well.")
		}
		return nil
	})
}

// checkLogIns checks the logins of managed Prometheus services.
func checkLogIns(c *config.Config) error {
	var errs []error
	clouds := c.Prometheus.Clouds()
	for _, key := range slices.Sorted(maps.Keys(clouds)) {
		if _, err := logIn(key, clouds[key], nil); err != nil {
			errs = append(errs, fmt.Errorf("prometheus.%s: %w", key, err))
		}
	}
	return errors.Join(errs...)
}

// checkTemplates renders the templates of annotations once.
func checkTemplates(c *config.Config) error {
	_, err := alerting.NewTemplates(c.Alerting.Annotations)
	return err
}
