// Package watch has the state of each service: its instances (fleet), its profiles (profiling), the
// verdict on its counts (trend), and its leaks (lifecycle). It owns the order in which these learn
// from each other: samples go to the verdict, profiles to the attribution, and both to the leaks.
//
// internal/monitor passes samples, calls Judge at each evaluation, and adds the results of pulls and
// other systems. It reads the verdict, the leaks, and the Need for further profiles. Start with
// Service.Judge in service.go; Services has all services, and distributes the samples of a window.
//
// The package does no I/O. It is not safe for concurrent use, except that two goroutines may work on
// two services: the cycle holds a lock.
package watch
