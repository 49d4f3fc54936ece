package app

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/monitor"
)

// maxRequests bounds the requests for profiles that wait for the loop.
const maxRequests = 256

// errBusy answers a request for profiles when too many wait.
var errBusy = errors.New("too many requests for profiles wait, try again later")

// RequestProfiles hands a request to the loop, which takes it between two
// evaluations.
func (s state) RequestProfiles(service labels.Labels, instance, why string) error {
	select {
	case s.requests <- monitor.Request{Service: service, Instance: instance, Why: why}:
		return nil
	default:
		return errBusy
	}
}

// Credentials returns those in force: a bearer token, or that requests without one
// are taken. Neither: the webhook is off.
func (s state) Credentials() (token string, anonymous bool, err error) {
	c := s.graph.Load().config.Alerting.Inbound
	if c.CredentialsFile == "" {
		return string(c.Credentials), c.AllowAnonymous, nil
	}
	b, err := os.ReadFile(c.CredentialsFile)
	if token = strings.TrimSpace(string(b)); err == nil && token == "" {
		err = fmt.Errorf("%s is empty", c.CredentialsFile)
	}
	return token, false, err
}
