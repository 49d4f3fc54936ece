package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/pprof"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/grafana/pyroscope-go"
	"google.golang.org/protobuf/encoding/protowire"
)

// pusher is where profiles are pushed to.
type pusher struct {
	url, via string
	every    time.Duration
	labels   map[string]string
}

// push begins to push profiles: POST /push?url=URL&via=CLIENT&every=15s&job=…, with
// all other values as labels. The client is pyroscope-go, or connect: a client of the
// Connect protocol, as Grafana Alloy has one.
func (f *faucet) push(w http.ResponseWriter, r *http.Request) {
	p := pusher{labels: map[string]string{}}
	_ = r.ParseForm()
	for name, values := range r.Form {
		switch name {
		case "url":
			p.url = values[0]
		case "via":
			p.via = values[0]
		case "every":
			p.every, _ = time.ParseDuration(values[0])
		default:
			p.labels[name] = values[0]
		}
	}
	if p.every <= 0 {
		http.Error(w, "every: expected a duration", http.StatusBadRequest)
		return
	}
	select {
	case f.pushes <- p:
	case <-r.Context().Done():
	}
}

// runPushes pushes as it is told until ctx ends.
func (f *faucet) runPushes(ctx context.Context) {
	select {
	case <-ctx.Done():
	case p := <-f.pushes:
		if err := p.run(ctx); err != nil {
			fmt.Println("profiles are not pushed:", err)
		}
	}
}

func (p pusher) run(ctx context.Context) error {
	switch p.via {
	case "pyroscope-go":
		profiler, err := pyroscope.Start(pyroscope.Config{
			ApplicationName: "faucet", ServerAddress: p.url, Tags: p.labels, UploadRate: p.every, Logger: errorLogger{},
			ProfileTypes: []pyroscope.ProfileType{pyroscope.ProfileCPU, pyroscope.ProfileInuseObjects, pyroscope.ProfileGoroutines},
		})
		if err != nil {
			return err
		}
		<-ctx.Done()
		return profiler.Stop()
	case "connect":
		return p.runConnect(ctx)
	}
	return errors.New("via: expected pyroscope-go or connect")
}

// errorLogger prints what the client cannot do.
type errorLogger struct{}

func (errorLogger) Infof(string, ...any)  {}
func (errorLogger) Debugf(string, ...any) {}
func (errorLogger) Errorf(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
}

// runConnect pushes a goroutine profile and one of another kind each time, in a
// request each, as pyroscope.scrape hands them to pyroscope.write.
func (p pusher) runConnect(ctx context.Context) error {
	client := connect.NewClient[request, response](http.DefaultClient, strings.TrimRight(p.url, "/")+"/push.v1.PusherService/Push",
		connect.WithCodec(codec{}), connect.WithSendGzip())
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for {
		for name, kind := range map[string]string{"goroutine": "goroutine", "memory": "heap"} {
			var profile bytes.Buffer
			if err := pprof.Lookup(kind).WriteTo(&profile, 0); err != nil {
				return err
			}
			if _, err := client.CallUnary(ctx, connect.NewRequest(&request{name, p.labels, profile.Bytes()})); err != nil && ctx.Err() == nil {
				fmt.Println("push:", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// request is push.v1.PushRequest with one series of one profile.
type request struct {
	name    string
	labels  map[string]string
	profile []byte
}

// response is push.v1.PushResponse, which is empty.
type response struct{}

// codec writes and reads the two messages in the protocol buffers' format.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(message any) ([]byte, error) {
	r, ok := message.(*request)
	if !ok {
		return nil, fmt.Errorf("%T is no request", message)
	}
	field := func(b []byte, number protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), value)
	}
	label := func(name, value string) []byte { return field(field(nil, 1, []byte(name)), 2, []byte(value)) }
	series := field(nil, 1, label("__name__", r.name))
	for name, value := range r.labels {
		series = field(series, 1, label(name, value))
	}
	series = field(series, 2, field(nil, 1, r.profile))
	return field(nil, 1, series), nil
}

func (codec) Unmarshal(b []byte, message any) error {
	if _, ok := message.(*response); !ok || len(b) > 0 {
		return fmt.Errorf("%T of %d bytes is no response", message, len(b))
	}
	return nil
}
