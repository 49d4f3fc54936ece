// Package sidelistener serves a handler on its own address, beside that of the pages.
//
// The login of the pages covers all of them. Content for other people, or for fewer, gets its
// own address: the profiles of gorowatch itself, and pictures for chat. The package owns the
// listener and its bounds on connections. It does not know what is served.
package sidelistener

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/gorowatch/gorowatch/internal/connections"
)

// Server is a listener and its handler.
type Server struct {
	flag     string
	listener net.Listener
	server   *http.Server
}

// Listen binds the address that a flag of the command line gives.
func Listen(flag, address string, h http.Handler, maxConnections int, logger *slog.Logger) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	c := connections.New(maxConnections, logger)
	return &Server{flag: flag, listener: c.Listener(l), server: connections.NewServer(h, c)}, nil
}

// LimitWriting bounds the time of an answer as for the pages.
func (s *Server) LimitWriting() { s.server.WriteTimeout = connections.WriteTimeout }

// Addr returns the address; empty without a server.
func (s *Server) Addr() string {
	if s == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Close releases the address if Run does not.
func (s *Server) Close() error {
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Run serves until ctx is done. Open requests are cut off then. Without a server it returns
// at once.
func (s *Server) Run(ctx context.Context) error {
	if s == nil {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { _ = s.server.Close() })
	defer stop()
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("%s: %w", s.flag, err)
	}
	return nil
}
