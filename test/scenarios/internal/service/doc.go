// Package service is what the scenarios have in common with every small Go
// service: flags, metrics, profiles, a listener and an orderly end. What a
// scenario leaks stands in its own main.go; nothing here leaks.
package service
