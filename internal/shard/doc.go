// Package shard spreads the services over several gorowatch processes that do not know each
// other.
package shard
