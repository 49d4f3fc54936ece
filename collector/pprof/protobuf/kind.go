package protobuf

import "github.com/gorowatch/gorowatch/collector"

// kindByType recognises goroutine profiles by the type of their first value. A heap profile is
// accepted if heap is set.
func kindByType(typ string, heap bool) (collector.ProfileKind, error) {
	var name string
	switch typ {
	case "goroutine", "goroutines":
		return collector.KindGoroutine, nil
	case "goroutineleak":
		return collector.KindGoroutineLeak, nil
	case "alloc_objects", "alloc_space", "inuse_objects", "inuse_space":
		if heap {
			return collector.KindHeap, nil
		}
		name = "a heap profile"
	case "samples", "cpu":
		name = "a CPU profile"
	case "contentions", "delay":
		name = "a mutex or block profile"
	case "threadcreate":
		name = "a threadcreate profile"
	default:
		return "", collector.Errorf(collector.ReasonNotProfile, "that is a profile of %.60q, not a goroutine profile", typ)
	}
	return "", collector.Errorf(collector.ReasonNotProfile, "that is %s, not a goroutine profile", name)
}
