package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	commoncfg "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v2"
)

// maxSize bounds what LoadFile reads. A configuration is small, and a file whose path
// was given by mistake may not be.
const maxSize = 8 << 20

// LoadFile reads and checks a file. Relative paths in it are relative to its folder.
func LoadFile(path string) (Config, error) {
	text, err := readFile(path)
	if err != nil {
		return Config{}, err
	}
	c, err := Load(text)
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	c.setDirectory(filepath.Dir(path))
	return c, nil
}

// CheckFile is LoadFile with further checks, which may find mistakes that otherwise show
// only while gorowatch runs, such as a missing password file. It reports the mistakes in
// the file and those that the checks find at once. The checks get the configuration
// without the parts that cannot be read.
func CheckFile(path string, checks ...func(*Config) error) (Config, error) {
	text, err := readFile(path)
	if err != nil {
		return Config{}, err
	}
	c, err := load(text)
	c.setDirectory(filepath.Dir(path))
	errs := []error{err}
	for _, check := range checks {
		errs = append(errs, check(&c))
	}
	if err := errors.Join(errs...); err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// readFile reads a file of at most maxSize.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	if len(text) > maxSize {
		return nil, fmt.Errorf("configuration %s: larger than %d MiB, expected a YAML file", path, maxSize>>20)
	}
	return text, nil
}

// Load decodes and checks a configuration.
func Load(text []byte) (Config, error) {
	c, err := load(text)
	if err != nil {
		return Config{}, err
	}
	c.confineDiscovery()
	return c, nil
}

// load is Load, but with an error it also returns what could be read.
func load(text []byte) (Config, error) {
	c := Default()
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return decodeError(text, err)
	}
	return c, c.Validate()
}

// setDirectory makes relative paths of files relative to a folder.
func (c *Config) setDirectory(dir string) {
	c.Prometheus.HTTPClientConfig.SetDirectory(dir)
	for _, cloud := range c.Prometheus.Clouds() {
		cloud.setDirectory(dir)
	}
	for i := range c.Targets {
		c.Targets[i].HTTPClientConfig.SetDirectory(dir)
		c.Targets[i].ServiceDiscovery.SetDirectory(dir)
	}
	for i := range c.Alerting.Alertmanagers {
		c.Alerting.Alertmanagers[i].HTTPClientConfig.SetDirectory(dir)
		c.Alerting.Alertmanagers[i].ServiceDiscovery.SetDirectory(dir)
	}
	for i := range c.Alerting.Webhooks {
		w := &c.Alerting.Webhooks[i]
		w.HTTPClientConfig.SetDirectory(dir)
		w.URLFile = commoncfg.JoinDir(dir, w.URLFile)
	}
	for _, s := range c.Links.Source {
		if s.Commits != nil {
			s.Commits.HTTPClientConfig.SetDirectory(dir)
		}
	}
	c.Alerting.KubernetesEvents.HTTPClientConfig.SetDirectory(dir)
	c.Alerting.Images.KeyFile = commoncfg.JoinDir(dir, c.Alerting.Images.KeyFile)
	c.Alerting.Inbound.CredentialsFile = commoncfg.JoinDir(dir, c.Alerting.Inbound.CredentialsFile)
}

// String returns the configuration as YAML, with the secrets hidden.
func (c Config) String() string {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	if err := enc.Encode(c); err != nil {
		return fmt.Sprintf("# cannot be shown: %v\n", err)
	}
	_ = enc.Close()
	return b.String()
}
