// Package leak holds the values that describe a leak: the leak itself, its
// evidence, stacks, profiles and transitions, and the rules that ignore leaks.
//
// It decides nothing. internal/leak/attribution finds the stacks that grow,
// internal/leak/lifecycle moves leaks through their states, and the archive, the
// alerts and the pages read the values.
package leak
