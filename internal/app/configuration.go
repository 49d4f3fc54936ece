package app

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"time"

	commoncfg "github.com/prometheus/common/config"

	"github.com/gorowatch/gorowatch/internal/config"
)

// load reads the configuration and applies the command line to it.
func (a *App) load() (config.Config, error) {
	c := config.Default()
	var err error
	if a.o.ConfigFile != "" {
		c, err = config.LoadFile(a.o.ConfigFile)
	} else if a.o.Config != nil {
		c = *a.o.Config
	}
	if err != nil {
		return c, err
	}
	if s := a.o.PrometheusURL; s != "" {
		u, err := url.Parse(s)
		if err != nil {
			return c, fmt.Errorf("--prometheus.url: not a URL: %w", withoutURL(err))
		}
		c.Prometheus.URL = commoncfg.URL{URL: u}
	}
	c.Storage.URL = cmp.Or(a.o.StorageURL, c.Storage.URL)
	addAnnotatedPods(&c)
	for _, text := range config.Ended(c.Ignore, time.Now()) {
		a.logger.Warn("An ignore rule has expired", "rule", text)
	}
	return c, c.Validate()
}

// applyRuntime passes on the settings of the Go runtime.
func (a *App) applyRuntime(c config.Config) {
	if a.o.Runtime != nil {
		a.o.Runtime(c.Runtime)
	}
}

// serviceAccount is the token that a pod has for its cluster.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// addAnnotatedPods adds the annotated pods of the cluster that gorowatch runs in, unless
// the configuration has service discovery or switches them off.
func addAnnotatedPods(c *config.Config) {
	if !c.Profiles.AnnotatedPods || os.Getenv("KUBERNETES_SERVICE_HOST") == "" {
		return
	}
	if _, err := os.Stat(serviceAccount); err != nil {
		return
	}
	for _, set := range c.Targets {
		if len(set.ServiceDiscovery) > 0 {
			return
		}
	}
	if pods, err := c.Profiles.AnnotatedSet(); err == nil { // an error: this build has no Kubernetes
		c.Targets = append(slices.Clone(c.Targets), pods)
	}
}

// withoutURL removes the URL, which may hold a password, from an error of url.Parse.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
