// Package bundle finds the goroutine profile in an archive: .zip, .tar, .tar.gz or .tar.zst, as
// in debug commands and bug reports. It takes the path of a file and returns one member as a
// reader.
//
// Everything is bounded: members, bytes after decompression, the memory to decompress. It never
// unpacks to disk, never opens an archive in an archive, and does not know what a profile looks
// like: a function of the caller tries to read one.
package bundle
