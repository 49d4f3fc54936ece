package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Process is a program that runs until it is stopped.
type Process struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

// start runs a program, and returns the groups of the first match in its output. Its output
// goes to a file, if one is given.
func start(name string, says *regexp.Regexp, log io.Writer, path string, args ...string) (*Process, []string, error) {
	p := &Process{name: name, cmd: exec.Command(path, args...), ended: make(chan struct{})}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = writer, writer
	p.cmd.SysProcAttr = processAttributes()
	err = p.cmd.Start()
	_ = writer.Close()
	if err != nil {
		_ = reader.Close()
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	said := make(chan []string, 1)
	var last []string // lines, for an error
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(reader)
		lines.Buffer(nil, 1<<20)
		waits := true
		for lines.Scan() {
			if log != nil {
				fmt.Fprintln(log, lines.Text())
			}
			last = append(last, lines.Text())[max(len(last)-9, 0):]
			if groups := says.FindStringSubmatch(lines.Text()); groups != nil && waits {
				waits = false
				said <- groups
			}
		}
		_ = reader.Close()
		_ = p.cmd.Wait()
	}()
	select {
	case groups := <-said:
		return p, groups, nil
	case <-p.ended:
		return nil, nil, fmt.Errorf("%s ended: %v\n%s", name, p.cmd.ProcessState, strings.Join(last, "\n"))
	case <-time.After(2 * time.Minute):
		p.stop()
		return nil, nil, fmt.Errorf("%s: not ready within 2 minutes", name)
	}
}

// alive returns an error if the program has ended.
func (p *Process) alive() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended: %v", p.name, p.cmd.ProcessState)
	default:
		return nil
	}
}

// stop asks the program to end, and kills it after ten seconds.
func (p *Process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// processes are ended together, the last one first.
type processes []*Process

func (ps processes) stop() {
	for i := len(ps) - 1; i >= 0; i-- {
		ps[i].stop()
	}
}

func (ps processes) alive() error {
	var errs []error
	for _, p := range ps {
		errs = append(errs, p.alive())
	}
	return errors.Join(errs...)
}

// startQuiet runs a program whose output does not matter.
func startQuiet(name, path string, args ...string) (*Process, error) {
	p := &Process{name: name, cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.cmd.SysProcAttr = processAttributes()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	return p, nil
}
