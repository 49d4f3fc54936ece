//go:build unix && !linux

package e2e

import "syscall"

// processAttributes give a program a process group of its own, so that it can
// be ended with its children.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
