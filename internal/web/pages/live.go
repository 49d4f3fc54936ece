package pages

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
)

// live are the pages that refresh themselves at each evaluation.
var live = map[string]bool{"leaks": true, "leak": true, "services": true, "service": true, "targets": true, "status": true, "setup": true, "fleet": true}

// leastRefresh is the shortest time between two refreshes of a page, in seconds.
const leastRefresh = 2

// ticking is what changes on a page though nothing has happened: the words for a time,
// whose attribute stays, and the time of the page itself.
var ticking = regexp.MustCompile(`(<time[^>]*>)[^<]*(</time>)|<footer>(?s:.*?)</footer>`)

// entityTag returns the tag of a page. It stays the same while only the time has changed, since
// an open page updates times itself.
func entityTag(page []byte) string {
	sum := sha256.Sum256(ticking.ReplaceAll(page, []byte("$1$2")))
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`
}
