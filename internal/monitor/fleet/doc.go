// Package fleet is the registry of the services and instances that have samples. It owns their
// identity: which series belong to which instance, when its processes started, which version
// they run, what load they had, and whether they still exist.
//
// The cycle registers each series and passes its samples. The fleet returns questions about
// versions and presence, which the cycle asks other systems, and records the answers. Profiling
// and the cycle read what they need by the name of an instance.
//
// It never judges a service, and it holds neither profiles nor leaks. It is not safe for
// concurrent use, except that two goroutines may work on two services: the cycle holds a lock.
package fleet
