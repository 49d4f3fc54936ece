package main

import "syscall"

// processAttributes end a program when the runner dies without doing it.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
