// Package mcp answers agents over the Model Context Protocol: what leaks, on which line, why a
// service is or is not judged as leaking, and what to do about it.
//
// The server is read-only. It asks the JSON API of a gorowatch, so an agent sees what the pages
// show, under the same login. New and Handler make it.
package mcp
