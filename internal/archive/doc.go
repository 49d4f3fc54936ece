// Package archive keeps profiles and leaks in a bucket, the only state that
// gorowatch has. Its layout is a contract:
//
//	profiles/<group values>/<instance>/<20060102T150405Z>.pb.gz
//	leaks/<id>.json
//	notes/<id>.json
//
// Each group value and the instance are escaped as a segment of a URL's path;
// an empty value is written "_" (and "_" itself "%5F"). A profile is kept as the target sent it, a
// leak as one document that is replaced whole.
package archive
