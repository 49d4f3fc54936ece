package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){"gorowatch": main})
}

// leakChecked runs tests that must end without goroutines.
type leakChecked struct{ *testing.M }

func (m leakChecked) Run() (code int) {
	goleak.VerifyTestMain(m.M, goleak.Cleanup(func(c int) { code = c }))
	return code
}

// The scripts run the real main in its own process.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			// A Prometheus that refuses, and an address in use.
			taken, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			env.Defer(func() { _ = taken.Close() })
			env.Setenv("REFUSED", "http://127.0.0.1:1")
			env.Setenv("TAKEN", taken.Addr().String())
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": status, "await": await, "fetch": fetch, "late": late,
		},
	})
}

// status CODE PROGRAM ARGS… runs a program that must end with that exit code.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status code program args...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, expected %s", code, args[0])
	}
}

// patience bounds how long a script waits for something that must happen.
const patience = 2 * time.Minute

// await FILE REGEXP [VAR] waits until a file has a line, and stores its first submatch in a
// variable.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await file regexp [var]")
	}
	re := regexp.MustCompile(args[1])
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		text, _ := os.ReadFile(ts.MkAbs(args[0]))
		if m := re.FindSubmatch(text); m != nil {
			if len(args) == 3 {
				ts.Setenv(args[2], string(m[1]))
			}
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("no %s in\n%s", re, text)
		}
	}
}

// fetch METHOD URL prints the status and the body of an answer on stdout.
func fetch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fetch method url")
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	req, err := http.NewRequest(args[0], args[1], nil)
	ts.Check(err)
	resp, err := client.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%s\n%s", resp.Status, body)
	ts.Check(err)
}

// late VAR N starts a target that hangs up on its first N connections, like one that starts,
// and then has a profile of one goroutine. Its URL is stored in a variable.
func late(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: late var n")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], "http://"+l.Addr().String())
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "goroutine 1 [select]:\nmain.main()\n\t/src/main.go:9 +0x1d\n")
	})}
	done := make(chan struct{})
	ts.Defer(func() {
		_ = l.Close()
		_ = server.Close()
		<-done
	})
	go func() {
		defer close(done)
		for range n {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
		_ = server.Serve(l)
	}()
}
