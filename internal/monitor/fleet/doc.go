// Package fleet is the registry of the services and instances that have samples. It decides which series
// belong to which instance, and knows when an instance's processes started, which version they run,
// what load they had, and whether they still exist.
//
// internal/monitor/watch registers each series and passes its samples. The fleet returns questions about
// versions and presence, which enrich asks other systems, and records the answers. Profiling and watch
// look instances up by name. Start with registry.go and service.go.
//
// It never judges a service, and it holds neither profiles nor leaks. It is not safe for concurrent use,
// except that two goroutines may work on two services: the cycle holds a lock.
package fleet
