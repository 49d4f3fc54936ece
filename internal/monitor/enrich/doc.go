// Package enrich asks other systems about services with leaks: how their memory grows, which version
// their processes run, and whether their instances still exist. It decides how often each system is
// asked, and about how many services.
//
// internal/monitor gets the due questions from it, asks them in the background, and applies the answers:
// memory goes to the leaks, versions and presence go to the fleet. A question that fails is logged, and
// asked again later. Each file has one kind of question.
//
// It never judges an answer, and it starts no goroutine.
package enrich
