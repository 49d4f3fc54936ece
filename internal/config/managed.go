package config

import (
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	commoncfg "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v2"
)

// Cloud is the login to a managed Prometheus, as in Prometheus' own configuration under the
// same key. This package only stores it. The library of the cloud, which weighs megabytes,
// interprets it.
type Cloud map[string]any

// secret reports whether the name of a key is that of a secret.
var secret = regexp.MustCompile(`(?i)secret|password|access_key`)

// MarshalYAML hides the secrets.
func (c Cloud) MarshalYAML() (any, error) { return hidden(c), nil }

func hidden(m map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		switch x := v.(type) {
		case map[string]any:
			v = hidden(x)
		default:
			if secret.MatchString(k) {
				v = "<secret>"
			}
		}
		out[k] = v
	}
	return out
}

// UnmarshalYAML stores the section as it is, with strings as keys at every level.
func (c *Cloud) UnmarshalYAML(unmarshal func(any) error) error {
	var m map[string]any
	if err := unmarshal(&m); err != nil {
		return err
	}
	*c = plain(m)
	return nil
}

func plain(m map[string]any) Cloud {
	out := Cloud{}
	for k, v := range m {
		if nested, ok := v.(map[any]any); ok {
			texts := map[string]any{}
			for k, v := range nested {
				if name, ok := k.(string); ok {
					texts[name] = v
				}
			}
			v = map[string]any(plain(texts))
		}
		out[k] = v
	}
	return out
}

// Decode reads it into the configuration of a library, strictly.
func (c Cloud) Decode(into any) error {
	text, err := yaml.Marshal(map[string]any(c))
	if err != nil {
		return err
	}
	return yaml.UnmarshalStrict(text, into)
}

// setDirectory resolves relative paths of files.
func (c Cloud) setDirectory(dir string) {
	for k, v := range c {
		switch x := v.(type) {
		case map[string]any:
			Cloud(x).setDirectory(dir)
		case string:
			if strings.HasSuffix(k, "_file") || strings.HasSuffix(k, "_path") {
				c[k] = commoncfg.JoinDir(dir, filepath.FromSlash(x))
			}
		}
	}
}

// Clouds returns the logins that are configured, by their keys.
func (p *Prometheus) Clouds() map[string]Cloud {
	all := map[string]Cloud{"sigv4": p.SigV4, "google_iam": p.GoogleIAM, "azuread": p.AzureAD}
	maps.DeleteFunc(all, func(_ string, c Cloud) bool { return c == nil })
	return all
}

// validateClouds finds more than one login.
func (p *Prometheus) validateClouds() error {
	logins := slices.Sorted(maps.Keys(p.Clouds()))
	for name, set := range map[string]bool{
		"basic_auth": p.HTTPClientConfig.BasicAuth != nil, "authorization": p.HTTPClientConfig.Authorization != nil, "oauth2": p.HTTPClientConfig.OAuth2 != nil,
	} {
		if set && len(p.Clouds()) > 0 {
			logins = append(logins, name)
		}
	}
	if len(logins) > 1 {
		slices.Sort(logins)
		return errors.New("has " + strings.Join(logins, " and ") + ", expected one login")
	}
	return nil
}
