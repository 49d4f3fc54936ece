package pprof

import (
	"context"
	"net"
	"net/url"
	"time"

	"github.com/gorowatch/gorowatch/collector"
)

// gopsStackTrace requests a dump of all stacks, in one byte, in the protocol of
// github.com/google/gops' agent. The agent answers and closes the connection.
const gopsStackTrace = 0x1

// ReadGops asks the gops agent at gops://host:port for a dump, which is like debug=2 and stops
// the target's world as long. It passes the records to keep as the function Read does.
func (f *Fetcher) ReadGops(ctx context.Context, u *url.URL, keep func(collector.Format, *collector.Record) error) (*collector.Profile, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	p, err := f.gops(ctx, u.Host, keep)
	if err != nil {
		if ctx.Err() != nil { // the deadline closed the connection
			err = ctx.Err()
		}
		return nil, collector.NetworkError(u, err)
	}
	return p, nil
}

func (f *Fetcher) gops(ctx context.Context, addr string, keep func(collector.Format, *collector.Record) error) (*collector.Profile, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.Write([]byte{gopsStackTrace}); err != nil {
		return nil, err
	}
	p, err := ReadContext(ctx, conn, f.now(), f.limits, keep)
	if err == nil && p.Format != collector.FormatDebug2 {
		return nil, collector.Errorf(collector.ReasonNotProfile, "that is no gops agent")
	}
	return p, err
}
