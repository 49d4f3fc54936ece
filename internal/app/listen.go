package app

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/prometheus/exporter-toolkit/web"
	yamlv2 "go.yaml.in/yaml/v2"

	"github.com/gorowatch/gorowatch/internal/connections"
)

// listen opens the listeners and finds the external URL.
func (a *App) listen(addresses []string) error {
	a.connections = connections.New(connections.Max(cmp.Or(a.o.MaxConnections, connections.DefaultMax), openFileLimit()), a.logger)
	for _, addr := range addresses {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("--web.listen-address: %w", err)
		}
		a.listeners = append(a.listeners, a.connections.Listener(l))
		a.onStop("listener "+addr, func() error {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				return err
			}
			return nil
		})
	}
	var err error
	if a.externalURL, err = externalURL(a.o.ExternalURL, a.Addr()); err != nil {
		return err
	}
	if a.o.ExternalURL == "" && len(readWebConfig(a.o.Web).Server) > 0 {
		a.externalURL.Scheme = "https"
	}
	return nil
}

// Addr returns the address of the first listener.
func (a *App) Addr() string {
	if len(a.listeners) == 0 {
		return ""
	}
	return a.listeners[0].Addr().String()
}

// ExternalURL returns the address of the pages for people.
func (a *App) ExternalURL() *url.URL { return a.externalURL }

// externalURL returns the address that links begin with: the given one, or this host with
// the port of the first listener.
func externalURL(given, addr string) (*url.URL, error) {
	if given == "" {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", addr, err)
		}
		if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
			if host, err = os.Hostname(); err != nil {
				return nil, fmt.Errorf("name of this host: %w; set --web.external-url", err)
			}
		}
		return &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/"}, nil
	}
	u, err := url.Parse(given)
	if err != nil {
		return nil, fmt.Errorf("--web.external-url: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("--web.external-url: %q, expected http://host:port/path or https://…", given)
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/"
	return u, nil
}

// webConfig is the part of exporter-toolkit's web configuration that matters here.
type webConfig struct {
	Server map[string]any    `yaml:"tls_server_config"`
	Users  map[string]string `yaml:"basic_auth_users"`
}

// readWebConfig reads the web configuration, which New has checked. It is empty if there
// is none.
func readWebConfig(f *web.FlagConfig) (c webConfig) {
	if f.WebConfigFile == nil || *f.WebConfigFile == "" {
		return c
	}
	text, err := os.ReadFile(*f.WebConfigFile)
	if err != nil || yamlv2.Unmarshal(text, &c) != nil {
		return webConfig{}
	}
	return c
}

// requiresLogin reports whether every request needs a password or a certificate. It reads
// the file at each call, as the toolkit does at each request.
func (a *App) requiresLogin() bool {
	c := readWebConfig(a.o.Web)
	return len(c.Users) > 0 || c.Server["client_auth_type"] == "RequireAndVerifyClientCert"
}
