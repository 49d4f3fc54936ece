package demo

import "syscall"

// apart puts a process into its own group: Ctrl-C is for the demo, which ends its children in
// its own order.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
