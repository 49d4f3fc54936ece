package main

import (
	"context"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// watchers runs the clients of a program whose gRPC address is at /grpc: up to 300 that arrive
// at a rate an hour and stay.
func watchers(url string, rate, speed float64, life time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), life)
	defer cancel()
	resp, err := http.Get(url + "/grpc")
	if err != nil {
		log.Fatal(err)
	}
	target, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		log.Fatal(err)
	}
	scale := func(d time.Duration) time.Duration { return time.Duration(float64(d) / speed) }
	for range 300 {
		time.Sleep(scale(time.Duration(min(rand.ExpFloat64(), 3) * float64(time.Hour) / rate)))
		if ctx.Err() != nil {
			return
		}
		go func() {
			for ctx.Err() == nil {
				watch(ctx, "passthrough:///"+string(target), scale(time.Duration(8+rand.IntN(8))*time.Minute))
			}
		}()
	}
	<-ctx.Done()
}

// watch holds one stream for a while, on its own connection.
func watch(ctx context.Context, target string, stay time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, stay)
	defer cancel()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	stream, err := grpc_health_v1.NewHealthClient(conn).Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	for err == nil {
		_, err = stream.Recv()
	}
	<-ctx.Done()
}
