package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/alecthomas/kingpin/v2"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"

	"github.com/gorowatch/gorowatch/collector"
	clients "github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/internal/api/client"
	"github.com/gorowatch/gorowatch/internal/config"
)

// httpConfigFlag is the flag with the file that httpClient reads. promtool has the same name.
const httpConfigFlag = "http.config.file"

// httpClient makes a client from the file of --http.config.file, or from the defaults without
// one.
func httpClient(file, name string) (*http.Client, error) {
	conf := &commoncfg.DefaultHTTPClientConfig
	var err error
	if file != "" {
		if conf, err = httpConfig(file); err != nil {
			return nil, err
		}
	}
	client, err := clientOf(*conf, name)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", httpConfigFlag, err)
	}
	return client, nil
}

// httpConfig reads the file that --http.config.file names.
func httpConfig(file string) (*commoncfg.HTTPClientConfig, error) {
	conf, err := config.LoadHTTPClient(file)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", httpConfigFlag, err)
	}
	return conf, nil
}

// apiFlags are those of the commands that ask a gorowatch.
type apiFlags struct{ url, httpConfig *string }

// addAPI adds them to a command.
func addAPI(cmd *kingpin.CmdClause) apiFlags {
	return apiFlags{
		url:        cmd.Flag("url", "Base URL of the gorowatch to ask.").Default("http://localhost:10980").String(),
		httpConfig: cmd.Flag(httpConfigFlag, "HTTP client configuration file for gorowatch, as promtool takes it: login, TLS, proxy.").PlaceHolder("FILE").String(),
	}
}

// connect returns the address of the gorowatch and what asks it.
func (f apiFlags) connect() (*url.URL, *http.Client, error) {
	u, err := client.ParseURL(*f.url)
	if err != nil {
		return nil, nil, fmt.Errorf("--url: %w", err)
	}
	c, err := httpClient(*f.httpConfig, "gorowatch")
	if err != nil {
		return nil, nil, err
	}
	c.Timeout = time.Minute
	return u, c, nil
}

// clientOf makes a client that sends gorowatch's user agent.
func clientOf(conf commoncfg.HTTPClientConfig, name string) (*http.Client, error) {
	return clients.NewClient(conf, name, commoncfg.WithUserAgent("gorowatch/"+cmp.Or(version.Version, "devel")))
}

// withLogin adds a hint where to configure a login, if an error asks for one.
func withLogin(err error) error {
	if collector.ReasonOf(err) == collector.ReasonUnauthorized {
		return fmt.Errorf("%w, in the file that --%s names", err, httpConfigFlag)
	}
	return err
}
