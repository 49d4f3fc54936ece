//go:build !windows

package demo

import "syscall"

// apart puts a process into its own group: Ctrl-C is for the demo, which ends its children in
// its own order.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
