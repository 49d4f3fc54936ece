package app

import (
	"errors"
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

// inboundCredentials is the bearer token in force; empty: none is asked for.
func (a *App) inboundCredentials() (token string, wanted bool, err error) {
	c := a.graph.Load().config.Alerting.Inbound
	if c.CredentialsFile == "" {
		return string(c.Credentials), c.Credentials != "", nil
	}
	b, err := os.ReadFile(c.CredentialsFile)
	return strings.TrimSpace(string(b)), true, err
}
