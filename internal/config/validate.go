package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
)

// Validate checks what the types do not check. It reports all mistakes at once.
func (c *Config) Validate() error { return errors.Join(c.validate().errs...) }

// validate checks all sections.
func (c *Config) validate() *validator {
	v := &validator{}

	v.duration("global.evaluation_interval", c.Global.EvaluationInterval, 100*time.Millisecond, time.Hour)
	for name := range c.Global.ExternalLabels {
		v.labelName("global.external_labels", name)
	}

	v.prometheus(&c.Prometheus)

	if len(c.Services.GroupBy) == 0 {
		v.add("services.group_by", errors.New("is empty, expected at least one label, e.g. [namespace, job]"))
	}
	for i, name := range c.Services.GroupBy {
		v.labelName(fmt.Sprintf("services.group_by[%d]", i), name)
	}

	v.duration("trend.base", c.Trend.Base, 100*time.Millisecond, time.Hour)

	v.profiles(&c.Profiles)
	for i := range c.Targets {
		v.targetSet(fmt.Sprintf("targets[%d]", i), &c.Targets[i])
	}
	for i := range c.Ignore {
		v.ignore(fmt.Sprintf("ignore[%d]", i), &c.Ignore[i])
	}
	v.alerting(&c.Alerting)
	v.duration("alerting.resend_interval", c.Alerting.ResendInterval, 100*time.Millisecond, time.Hour)

	v.storage(&c.Storage)
	v.links(&c.Links)
	for i := range c.Owners {
		v.owner(fmt.Sprintf("owners[%d]", i), &c.Owners[i])
	}
	v.between("runtime.gogc", c.Runtime.GoGC, -1, 10_000)

	return v
}

// storage checks the section storage.
func (v *validator) storage(s *Storage) {
	if u, err := url.Parse(s.URL); err != nil || u.Scheme == "" {
		v.check("storage.url", s.URL, errors.New("is not a URL"), "a bucket, e.g. file:///var/lib/gorowatch or mem://")
	} else if u.Scheme == "file" && u.Host != "" && u.Host != "." && u.Host != "localhost" {
		// The host would be ignored, and the folder would be another one.
		v.add("storage.url", fmt.Errorf("%q has a host, %q, expected e.g. file:///var/lib/gorowatch, or file://./data for a folder below this one", u.Redacted(), u.Host))
	}
	v.duration("storage.retention", s.Retention, time.Minute, 10*365*24*time.Hour)
}

// validator collects mistakes.
type validator struct {
	errs   []error
	fields []string // of each error
}

// add adds an error, if there is one, with its field.
func (v *validator) add(field string, err error) {
	if err != nil {
		v.errs = append(v.errs, fmt.Errorf("%s: %w", field, err))
		v.fields = append(v.fields, field)
	}
}

// check adds err with the value and what was expected instead.
func (v *validator) check(field, value string, err error, expected string) {
	if err != nil {
		v.add(field, fmt.Errorf("%q: %w, expected %s", value, err, expected))
	}
}

func (v *validator) duration(field string, d model.Duration, lowest, highest time.Duration) {
	if t := time.Duration(d); t < lowest || t > highest {
		v.add(field, fmt.Errorf("%s is out of range, expected %s to %s", d, model.Duration(lowest), model.Duration(highest)))
	}
}

func (v *validator) between(field string, n, lowest, highest int) {
	if n < lowest || n > highest {
		v.add(field, fmt.Errorf("%d is out of range, expected %d to %d", n, lowest, highest))
	}
}

func (v *validator) size(field string, n units.Base2Bytes) {
	if n < units.KiB || n > units.TiB {
		v.add(field, fmt.Errorf("%s is out of range, expected 1KiB to 1TiB", n))
	}
}

func (v *validator) labelName(field, name string) {
	if !model.UTF8Validation.IsValidLabelName(name) {
		v.add(field, fmt.Errorf("%q is not a label name", name))
	}
}

func (v *validator) httpURL(field string, u *url.URL) {
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		v.add(field, fmt.Errorf("%q is not an address, expected http://host:port or https://host:port", u.Redacted()))
	}
}

func (v *validator) scheme(field, s string) {
	if s != "" && s != "http" && s != "https" {
		v.add(field, fmt.Errorf("%q, expected http or https", s))
	}
}

func (v *validator) address(field, addr string) {
	host, port, err := net.SplitHostPort(addr)
	if n, perr := strconv.Atoi(port); err != nil || host == "" || perr != nil || n < 1 || n > 65535 {
		v.add(field, fmt.Errorf("%q is not an address, expected host:port", addr))
	}
}

func (v *validator) relabel(field string, rules []*relabel.Config) {
	for i, r := range rules {
		if r == nil {
			v.add(fmt.Sprintf("%s[%d]", field, i), errors.New("is empty, expected a relabelling rule"))
			continue
		}
		v.add(fmt.Sprintf("%s[%d]", field, i), r.Validate(model.UTF8Validation))
	}
}
