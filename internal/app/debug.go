package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"

	"github.com/gorowatch/gorowatch/internal/connections"
	"github.com/gorowatch/gorowatch/internal/web/hostcheck"
)

// debugServer serves gorowatch's own profiles. It has an address of its own,
// because who may read the pages may not always read a heap.
// maxDebugConnections is how many connections the debug handlers may have.
const maxDebugConnections = 16

type debugServer struct {
	listener net.Listener
	server   *http.Server
}

// debugListen binds the address, if there is one.
func (a *App) debugListen() error {
	if a.o.DebugAddress == "" {
		return nil
	}
	l, err := net.Listen("tcp", a.o.DebugAddress)
	if err != nil {
		return fmt.Errorf("--debug.listen-address: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	hosts, err := hostcheck.New(a.externalURL, a.o.AllowedHosts)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	// A profile may be asked for over minutes, so that writing has no timeout.
	c := connections.New(maxDebugConnections, a.logger)
	l = c.Listener(l)
	a.debug = &debugServer{listener: l, server: connections.NewServer(hosts.Guard(mux, nil), c)}
	a.onStop("debug listener", func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	a.logger.Info("Serving own profiles", "address", l.Addr().String())
	return nil
}

// DebugAddr is the address of the own profiles; empty if they are not served.
func (a *App) DebugAddr() string {
	if a.debug == nil {
		return ""
	}
	return a.debug.listener.Addr().String()
}

// run serves until ctx is done. A profile that is being taken is cut off.
func (d *debugServer) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = d.server.Close() })
	defer stop()
	if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("debug listener: %w", err)
	}
	return nil
}
