// Package service has what the scenarios share with every small Go service: flags, metrics,
// profiles, a listener and an orderly end. The leak of a scenario is in its own main.go;
// nothing here leaks.
package service
