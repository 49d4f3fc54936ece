// Package attack tests the promises of docs/security.md. Each test attacks a real gorowatch
// over real sockets and checks that the promise holds. promises_test.go lists the tests of each
// promise, here or elsewhere.
//
// The servers and helpers come from test/e2e. Everything listens on 127.0.0.1.
package attack
