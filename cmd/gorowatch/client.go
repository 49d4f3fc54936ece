package main

import (
	"cmp"
	"fmt"
	"net/http"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"
)

// httpConfigFlag is the name of the flag that httpClient reads; as promtool's.
const httpConfigFlag = "http.config.file"

// httpClient makes a client of a file as --http.config.file names it: without
// one, of the defaults. It says who we are.
func httpClient(file, name string) (*http.Client, error) {
	conf := &commoncfg.DefaultHTTPClientConfig
	var err error
	if file != "" {
		if conf, _, err = commoncfg.LoadHTTPConfigFile(file); err != nil {
			return nil, fmt.Errorf("--%s: %w", httpConfigFlag, err)
		}
	}
	client, err := commoncfg.NewClientFromConfig(*conf, name, commoncfg.WithUserAgent("gorowatch/"+cmp.Or(version.Version, "devel")))
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", httpConfigFlag, err)
	}
	return client, nil
}
