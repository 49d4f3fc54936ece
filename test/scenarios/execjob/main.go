// Execjob runs a report on behalf of a client and sends what it prints. The
// report takes longer than most clients wait.
package main

import (
	"flag"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/service"
)

func main() {
	var opts service.Options
	opts.Flags(flag.CommandLine)
	command := flag.String("command", "sleep 600", "the report's command line, split at spaces")
	flag.Parse()

	rep := report{command: strings.Fields(*command)}
	mux := http.NewServeMux()
	if opts.Fixed {
		mux.HandleFunc("POST /report", rep.runBound)
	} else {
		mux.HandleFunc("POST /report", rep.run)
	}
	service.Main(opts, mux)
}

// report is a command that prints what a client wants to know.
type report struct {
	command []string
}

// run leaks its goroutine and a process for as long as the command takes,
// whether or not the client is still there.
func (rep report) run(w http.ResponseWriter, _ *http.Request) {
	cmd := exec.Command(rep.command[0], rep.command[1:]...)
	out, err := cmd.CombinedOutput() // LEAK
	answer(w, out, err)
}

// runBound kills the command when the client gives up.
func (rep report) runBound(w http.ResponseWriter, r *http.Request) {
	cmd := exec.CommandContext(r.Context(), rep.command[0], rep.command[1:]...)
	// A child of the command may hold on to the output after it was killed.
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	answer(w, out, err)
}

func answer(w http.ResponseWriter, out []byte, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_, _ = w.Write(out) // the client may be gone
}
