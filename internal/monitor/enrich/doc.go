// Package enrich asks other systems about services with leaks: how their memory grows, which
// version their processes run, and whether their instances still exist. It owns how often each
// system is asked, and about how many services.
//
// The cycle gets the due questions from it, runs them in the background, and applies the
// answers: memory goes to the leaks, versions and presence go to the fleet. A question that
// fails is logged and asked again later.
//
// It never judges an answer, and it starts no goroutine.
package enrich
