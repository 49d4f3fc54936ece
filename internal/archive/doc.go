// Package archive keeps profiles and leaks in a bucket, the only state that
// gorowatch has. Its layout is a contract:
//
//	profiles/<group values>/<instance>/<20060102T150405Z>.pb.gz
//	profiles/<group values>/<instance>/<20060102T150405Z>.debug2.txt.gz
//	leaks/<id>.json
//	notes/<id>.json
//	captures/<id>.json
//
// Each group value and the instance are escaped as a segment of a URL's path; an
// empty value is written "_" (and "_" itself "%5F"), and one that is too long for
// the name of a file ends with "~" and a hash. A profile is kept as the target
// sent it, a dump that showed how old goroutines are gzipped, a leak, and what
// was captured on request, as one document that is replaced whole. Besides there
// are owner.json, who writes to the bucket, and aside/, what was among the leaks
// and captures and is none.
package archive
