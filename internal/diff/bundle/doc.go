// Package bundle finds the goroutine profile in an archive: .zip, .tar, .tar.gz or
// .tar.zst, as debug commands and bug reports have them. It takes the path of a file and
// hands out one member as a reader.
//
// Everything is bounded: members, bytes after decompression, the memory to decompress.
// It never unpacks to disk, never opens an archive in an archive, and does not know what
// a profile looks like: it is given a function that tries to read one.
package bundle
