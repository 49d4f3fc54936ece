package stack

import "strings"

// Operations that are no wait reason of a dump.
const (
	// Running goroutines only wait for a processor.
	Running = "running"
	// Unknown is the operation if the format hides it: channel operations and select in
	// debug=1.
	Unknown = ""
)

// opByFunc is the operation of a function at the leaf of a stack. If several match, the one
// furthest from the leaf is what the program called: RWMutex.Lock, which locks a Mutex.
var opByFunc = map[string]string{
	"runtime.chansend":                       "chan send",
	"runtime.chansend1":                      "chan send",
	"runtime.chanrecv":                       "chan receive",
	"runtime.chanrecv1":                      "chan receive",
	"runtime.chanrecv2":                      "chan receive",
	"runtime.selectgo":                       "select",
	"runtime.block":                          "select (no cases)",
	"runtime.netpollblock":                   "IO wait",
	"runtime.semacquire":                     "semacquire",
	"runtime.semacquire1":                    "semacquire",
	"runtime.timeSleep":                      "sleep",
	"runtime.notetsleepg":                    "syscall",
	"runtime.cgocall":                        "syscall",
	"runtime.coroswitch":                     "coroutine",
	"runtime.coroswitch_m":                   "coroutine",
	"runtime.corostart":                      "coroutine",
	"runtime.runfinq":                        "finalizer wait",
	"runtime.runFinalizers":                  "finalizer wait",
	"runtime.runCleanups":                    "cleanup wait",
	"runtime.ReadTrace":                      "trace reader (blocked)",
	"runtime.GC":                             "wait for GC cycle",
	"reflect.rselect":                        "select",
	"reflect.chansend0":                      "chan send",
	"reflect.chanrecv":                       "chan receive",
	"iter.coroswitch":                        "coroutine",
	"time.Sleep":                             "sleep",
	"os/signal.signal_recv":                  "syscall",
	"sync.(*Mutex).Lock":                     "sync.Mutex.Lock",
	"sync.(*Mutex).lockSlow":                 "sync.Mutex.Lock",
	"sync.(*RWMutex).Lock":                   "sync.RWMutex.Lock",
	"sync.(*RWMutex).RLock":                  "sync.RWMutex.RLock",
	"sync.(*WaitGroup).Wait":                 "sync.WaitGroup.Wait",
	"sync.(*Cond).Wait":                      "sync.Cond.Wait",
	"internal/synctest.Run":                  "synctest.Run",
	"internal/synctest.Wait":                 "synctest.Wait",
	"testing/synctest.Wait":                  "synctest.Wait",
	"internal/poll.runtime_pollWait":         "IO wait",
	"internal/poll.runtime_Semacquire":       "semacquire",
	"internal/poll.runtime_pollWaitCanceled": "IO wait",
	"internal/sync.runtime_SemacquireMutex":  "sync.Mutex.Lock",
	"internal/sync.(*Mutex).Lock":            "sync.Mutex.Lock",
	"internal/sync.(*Mutex).lockSlow":        "sync.Mutex.Lock",
	"sync.runtime_Semacquire":                "semacquire",
	"sync.runtime_SemacquireMutex":           "sync.Mutex.Lock",
	"sync.runtime_SemacquireRWMutex":         "sync.RWMutex.Lock",
	"sync.runtime_SemacquireRWMutexR":        "sync.RWMutex.RLock",
	"sync.runtime_SemacquireWaitGroup":       "sync.WaitGroup.Wait",
	"sync.runtime_notifyListWait":            "sync.Cond.Wait",

	// In Go 1.4 to 1.8:
	"net.runtime_pollWait":         "IO wait",
	"net.runtime_pollWaitCanceled": "IO wait",
	"net.runtime_Semacquire":       "semacquire",
	"sync.runtime_Syncsemacquire":  "sync.Cond.Wait",
}

// Stuck reports whether a goroutine that waits in this operation for long is stuck. Idle
// workers and connections wait in a receive, a select, a Cond or a read. But nothing healthy
// waits for minutes to send, to lock, or for nothing at all.
func Stuck(op string) bool {
	switch op {
	case "chan send", "select (no cases)", "semacquire", "sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock", "sync.WaitGroup.Wait":
		return true
	}
	return false
}

// opOfFunc returns the operation of a function, empty for most.
func opOfFunc(name string) string {
	if op, ok := opByFunc[name]; ok {
		return op
	}
	for _, p := range []string{
		"syscall.Syscall", "syscall.RawSyscall", "syscall.syscall", "syscall.rawSyscall", "syscall.rawVforkSyscall",
		"internal/runtime/syscall.", "internal/runtime/syscall/", "runtime/internal/syscall.",
		"internal/syscall/unix.", "golang.org/x/sys/unix.Syscall", "golang.org/x/sys/unix.RawSyscall",
	} {
		if strings.HasPrefix(name, p) {
			return "syscall"
		}
	}
	return ""
}

// opOfState returns the operation of a dump's wait reason. Reasons of the runtime itself
// (garbage collection, preemption) are Running: the program does not wait.
func opOfState(state string) string {
	for {
		i := strings.LastIndex(state, " (")
		if i < 0 || state[i:] == " (no cases)" || state[i:] == " (blocked)" {
			break
		}
		state = state[:i]
	}
	switch state {
	case "chan send", "chan receive", "select", "select (no cases)", "sleep", "semacquire", "IO wait", "syscall",
		"sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock", "sync.WaitGroup.Wait", "sync.Cond.Wait",
		"finalizer wait", "cleanup wait", "coroutine", "wait for GC cycle", "trace reader (blocked)",
		"synctest.Run", "synctest.Wait", "panicwait":
		return state
	}
	return Running
}
