// Package exhibit is what the programs of the museum have in common: flags, a
// listener on 127.0.0.1, metrics, profiles, traffic that goes up and down, and
// an end. What a program leaks stands in its own main.go; nothing here leaks.
package exhibit
