// Package client asks the JSON API of a gorowatch. The commands that ask one share it, with
// the server of the Model Context Protocol.
//
// It owns bounds, and the errors for people. It never asks twice: who calls it decides that.
package client
