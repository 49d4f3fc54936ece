// Command grpcstream is a gRPC server with streams that last: its clients watch
// its health, and come back after a while when their connection is renewed.
package main

import (
	"log"
	"net"
	"net/http"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		listener := exhibit.Must(net.Listen("tcp", "127.0.0.1:0"))
		server := grpc.NewServer()
		grpc_health_v1.RegisterHealthServer(server, health.NewServer())
		go func() { log.Fatal(server.Serve(listener)) }()
		e.Mux.HandleFunc("GET /grpc", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(listener.Addr().String()))
		})
	})
}
