package pprof_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof"
)

// A dump as /debug/pprof/goroutine?debug=2 prints it.
const dump = `goroutine 1 [IO wait, 6 minutes]:
net/http.(*Server).Serve(0xc0000b2000, {0x7f2a40, 0xc0000a6000})
	/usr/local/go/src/net/http/server.go:3424 +0x30d
main.main()
	/src/checkout/main.go:21 +0x1d3

goroutine 18 [chan send, 118 minutes]:
main.logHandler.func1()
	/src/checkout/handler.go:29 +0x2c
created by main.logHandler in goroutine 17
	/src/checkout/handler.go:18 +0x9d

goroutine 19 [chan send, 12 minutes]:
main.logHandler.func1()
	/src/checkout/handler.go:29 +0x2c
created by main.logHandler in goroutine 17
	/src/checkout/handler.go:18 +0x9d
`

// Parse detects the format. Goroutines at the same place are one record.
func ExampleParse() {
	profile, err := pprof.Parse(strings.NewReader(dump), time.Now(), pprof.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(profile.Total, "goroutines")
	for _, r := range profile.Records {
		if r.State == "chan send" {
			fmt.Printf("%d wait in %s for up to %s: %s\n", r.Count, r.State, r.Wait, r.Frames[0])
		}
	}
	// Output:
	// 3 goroutines
	// 2 wait in chan send for up to 1h58m0s: main.logHandler.func1 handler.go:29
}

// Input that is no profile, or exceeds the limits, is an error with a reason.
func ExampleParse_errors() {
	for text, limits := range map[string]pprof.Limits{
		"<html><title>Log in</title>": {},
		dump:                          {Body: 100},
	} {
		_, err := pprof.Parse(strings.NewReader(text), time.Now(), limits)
		fmt.Println(collector.ReasonOf(err))
	}
	// Unordered output:
	// not_a_profile
	// too_large
}
