//go:build !slim

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/prometheus/prometheus/storage/remote/azuread"
	"github.com/prometheus/sigv4"
	"google.golang.org/api/option"
	apihttp "google.golang.org/api/transport/http"

	"github.com/gorowatch/gorowatch/internal/config"
)

// logIn makes a transport that logs in to a managed Prometheus, chosen by its key in the
// configuration. A mistake in the configuration is an error at once. Credentials are looked up
// at the first request, and again after a failure.
func logIn(key string, c config.Cloud, next http.RoundTripper) (http.RoundTripper, error) {
	var login func() (http.RoundTripper, error)
	var err error
	switch key {
	case "sigv4":
		var conf sigv4.SigV4Config
		err = c.Decode(&conf)
		login = func() (http.RoundTripper, error) { return sigv4.NewSigV4RoundTripper(&conf, next) }
	case "azuread":
		var conf azuread.AzureADConfig
		if err = c.Decode(&conf); err == nil && conf.Scope == "" && (conf.Cloud == "" || conf.Cloud == azuread.AzurePublic) {
			// The default scope of the library is for writing.
			conf.Scope = "https://prometheus.monitor.azure.com/.default"
		}
		login = func() (http.RoundTripper, error) { return azuread.NewAzureADRoundTripper(&conf, next) }
	case "google_iam":
		var conf struct {
			CredentialsFile string `yaml:"credentials_file,omitempty"`
		}
		err = c.Decode(&conf)
		login = func() (http.RoundTripper, error) {
			// Prometheus' googleiam does the same, but with a scope for writing.
			opts := []option.ClientOption{option.WithScopes("https://www.googleapis.com/auth/monitoring.read")}
			if conf.CredentialsFile != "" {
				opts = append(opts, option.WithAuthCredentialsFile(option.ServiceAccount, conf.CredentialsFile))
			}
			return apihttp.NewTransport(context.Background(), next, opts...)
		}
	default:
		return nil, fmt.Errorf("%s: no such login", key)
	}
	if err != nil {
		return nil, err
	}
	return &lateTransport{login: login}, nil
}

// lateTransport makes its transport at the first request.
type lateTransport struct {
	login func() (http.RoundTripper, error)

	mtx  sync.Mutex
	made http.RoundTripper
}

func (l *lateTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mtx.Lock()
	made := l.made
	if made == nil {
		var err error
		if made, err = l.login(); err != nil {
			l.mtx.Unlock()
			return nil, fmt.Errorf("no credentials: %w", err)
		}
		l.made = made
	}
	l.mtx.Unlock()
	return made.RoundTrip(req)
}
