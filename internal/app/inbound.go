package app

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/monitor"
	uiweb "github.com/gorowatch/gorowatch/internal/web"
)

// maxRequests bounds the requests for profiles that wait for the loop.
const maxRequests = 256

// errBusy answers a request for profiles when too many wait.
var errBusy = errors.New("too many requests for profiles wait, try again later")

// inbound is what alerts of others lead to: the loop takes them between two
// evaluations.
func (a *App) inbound() *uiweb.Inbound {
	return &uiweb.Inbound{
		Credentials: a.inboundCredentials,
		Request: func(service labels.Labels, instance, why string) error {
			select {
			case a.requests <- monitor.Request{Service: service, Instance: instance, Why: why}:
				return nil
			default:
				return errBusy
			}
		},
	}
}

// inboundCredentials are those in force: a bearer token, or that requests
// without one are taken. Neither: the webhook is off.
func (a *App) inboundCredentials() (token string, anonymous bool, err error) {
	c := a.graph.Load().config.Alerting.Inbound
	if c.CredentialsFile == "" {
		return string(c.Credentials), c.AllowAnonymous, nil
	}
	b, err := os.ReadFile(c.CredentialsFile)
	if token = strings.TrimSpace(string(b)); err == nil && token == "" {
		err = fmt.Errorf("%s is empty", c.CredentialsFile)
	}
	return token, false, err
}
