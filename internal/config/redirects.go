package config

import (
	"reflect"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/discovery"
)

// confineDiscovery makes service discovery that has credentials follow no
// redirect. Its clients are made by Prometheus' own packages, which send the
// credentials along to another port or scheme.
func (c *Config) confineDiscovery() {
	for i := range c.Targets {
		confine(c.Targets[i].ServiceDiscovery)
	}
	for i := range c.Alerting.Alertmanagers {
		confine(c.Alerting.Alertmanagers[i].ServiceDiscovery)
	}
}

func confine(mechanisms discovery.Configs) {
	for _, m := range mechanisms {
		v := reflect.Indirect(reflect.ValueOf(m))
		if v.Kind() != reflect.Struct {
			continue
		}
		field := v.FieldByName("HTTPClientConfig")
		if !field.IsValid() || !field.CanAddr() {
			continue
		}
		if c, ok := field.Addr().Interface().(*commoncfg.HTTPClientConfig); ok && hasCredentials(c) {
			c.FollowRedirects = false
		}
	}
}

func hasCredentials(c *commoncfg.HTTPClientConfig) bool {
	return c.BasicAuth != nil || c.Authorization != nil || c.OAuth2 != nil || c.HTTPHeaders != nil || c.BearerToken != "" || c.BearerTokenFile != ""
}
