// Package forge asks a Git forge, GitHub or GitLab, for the commits that changed a file or
// its folder.
//
// A [History] never waits: it answers from its cache, and asks the forge in the background. It
// bounds the duration and number of requests, the size of answers, and the cache. It only
// reads.
package forge
