// Package shard shares the services out among several gorowatch processes that
// do not know of each other.
package shard
