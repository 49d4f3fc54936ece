// Package archive keeps profiles and leaks in a bucket, the only state that
// gorowatch has. Its layout is a contract:
//
//	profiles/<group values>/<instance>/<20060102T150405Z>.pb.gz
//	profiles/<group values>/<instance>/<20060102T150405Z>.debug2.txt.gz
//	leaks/<id>.json
//	notes/<id>.json
//	captures/<id>.json
//
// Each group value and the instance are escaped as a segment of a URL's path. An empty value is
// written "_" (and "_" itself "%5F"). A value too long for a file name ends with "~" and a
// hash. A profile is stored as the target sent it, and a dump with ages is gzipped. A leak, and
// a capture on request, is one document that is replaced whole. owner.json names the process
// that writes to the bucket. aside/ holds unreadable documents.
package archive
