// Package exhibit has what the programs of the museum share: flags, a listener on 127.0.0.1,
// metrics, profiles, traffic that goes up and down, and an end. The leak of a program is in its
// own main.go; nothing here leaks.
package exhibit
