package main

import (
	"context"
	"log"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// halfClose watches a key of etcd at a rate an hour. After a while it closes its side of the
// stream, as jetcd does, and etcd continues; or it cancels the stream, which ends it.
func halfClose(target string, cancels bool, rate, speed float64, life time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), life)
	defer cancel()
	conn, err := grpc.NewClient("passthrough:///"+target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	scale := func(d time.Duration) time.Duration { return time.Duration(float64(d) / speed) }
	for ctx.Err() == nil {
		time.Sleep(scale(time.Duration(min(rand.ExpFloat64(), 3) * float64(time.Hour) / rate)))
		go func() {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true},
				"/etcdserverpb.Watch/Watch", grpc.ForceCodec(raw{}))
			// A request to watch the key "foo".
			if err != nil || stream.SendMsg([]byte{0x0a, 5, 0x0a, 3, 'f', 'o', 'o'}) != nil {
				return
			}
			time.Sleep(scale(20 * time.Second))
			if cancels || stream.CloseSend() != nil {
				return
			}
			<-ctx.Done()
		}()
	}
}

// raw sends messages unchanged.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (raw) Unmarshal([]byte, any) error   { return nil }
func (raw) Name() string                  { return "proto" }
