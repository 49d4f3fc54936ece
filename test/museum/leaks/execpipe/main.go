// Command execpipe shows the end of a log with tail, to people who leave while
// tail goes on.
package main

import (
	"bufio"
	"context"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type logs struct {
	file  string
	stay  time.Duration
	fixed bool
	lines atomic.Int64
}

func (l *logs) follow(ctx context.Context) {
	if l.fixed {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.stay)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, "tail", "-n", "1", "-F", l.file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out := exhibit.Must(cmd.StdoutPipe())
	exhibit.Must(0, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		l.lines.Add(1)
	}
	_ = cmd.Wait()
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		l := &logs{file: filepath.Join(e.Dir, "access.log"), stay: e.Time(30 * time.Second), fixed: e.Fixed}
		e.Often(func() { go l.follow(e.Ctx) })
	})
}
