// Package sources tests that all sources agree on the same data: a Prometheus, its data on
// disk, and gorowatch's own scraping, in memory and in the embedded database.
package sources
