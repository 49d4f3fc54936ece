package e2e

import "syscall"

// processAttributes give a program a process group of its own, so that it can
// be ended with its children, and end it when the test dies without clean-up.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
