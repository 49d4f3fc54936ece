// Command worldplus is a gRPC server with the health service, and a Redis, for the programs of
// the museum that use them, or with -crowd the clients of a program that streams by gRPC, or
// with -etcd those of an etcd. It is not watched.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/alicebob/miniredis/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	life := flag.Duration("for", 4*time.Hour, "time after which it ends")
	crowd := flag.String("crowd", "", "base URL of a program whose streams are to be watched")
	etcd := flag.String("etcd", "", "address of an etcd that is to be watched")
	cancel := flag.Bool("cancel", false, "cancel what is watched in etcd, instead of closing this side")
	rate := flag.Float64("rate", 200, "clients of it that arrive an hour")
	speed := flag.Float64("speed", 1, "how many times faster than life everything happens")
	flag.Parse()
	if *etcd != "" {
		halfClose(*etcd, *cancel, *rate, *speed, *life)
		return
	}
	if *crowd != "" {
		watchers(*crowd, *rate, *speed, *life)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	go func() { log.Fatal(server.Serve(listener)) }()
	redis := miniredis.NewMiniRedis()
	if err := redis.StartAddr("127.0.0.1:0"); err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr(), redis.Addr())
	time.Sleep(*life)
}
