package main

import (
	"cmp"
	"fmt"
	"net/http"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"

	"github.com/gorowatch/gorowatch/collector"
	clients "github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/internal/config"
)

// httpConfigFlag is the name of the flag that httpClient reads; as promtool's.
const httpConfigFlag = "http.config.file"

// httpClient makes a client of a file as --http.config.file names it: without
// one, of the defaults.
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

// clientOf makes a client that says who we are.
func clientOf(conf commoncfg.HTTPClientConfig, name string) (*http.Client, error) {
	return clients.NewClient(conf, name, commoncfg.WithUserAgent("gorowatch/"+cmp.Or(version.Version, "devel")))
}

// withLogin adds where a login is given, if one is wanted.
func withLogin(err error) error {
	if collector.ReasonOf(err) == collector.ReasonUnauthorized {
		return fmt.Errorf("%w, in the file that --%s names", err, httpConfigFlag)
	}
	return err
}
