package app

import (
	"net/http"
	"net/http/pprof"

	"github.com/gorowatch/gorowatch/internal/sidelistener"
	"github.com/gorowatch/gorowatch/internal/web/hostcheck"
)

// maxDebugConnections is how many connections the debug handlers may have.
const maxDebugConnections = 16

// debugListen binds the address of gorowatch's own profiles, if there is one. It is a separate
// address because readers of the pages may not be allowed to read the heap.
func (a *App) debugListen() error {
	if a.o.DebugAddress == "" {
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	hosts, err := hostcheck.New(a.externalURL, a.o.AllowedHosts)
	if err != nil {
		return err
	}
	// Writing has no timeout, since a profile may take minutes.
	if a.debug, err = sidelistener.Listen("--debug.listen-address", a.o.DebugAddress, hosts.Guard(mux, nil), maxDebugConnections, a.logger); err != nil {
		return err
	}
	a.onStop("debug listener", a.debug.Close)
	a.logger.Info("Serving gorowatch's own profiles", "address", a.DebugAddr())
	return nil
}

// DebugAddr returns the address of the own profiles; empty if they are not served.
func (a *App) DebugAddr() string { return a.debug.Addr() }
