// Command grpcclient dials the ledger anew for each question, and never closes
// the connection.
package main

import (
	"context"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
)

type ledger struct {
	target string
	fixed  bool
}

func (l *ledger) balance() {
	conn := exhibit.Must(grpc.NewClient("passthrough:///"+l.target, grpc.WithTransportCredentials(insecure.NewCredentials())))
	if l.fixed {
		defer conn.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		l := &ledger{target: e.GRPC, fixed: e.Fixed}
		e.Often(l.balance)
	})
}
