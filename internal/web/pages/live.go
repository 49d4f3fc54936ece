package pages

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
)

// live has the pages that refresh themselves at each evaluation.
var live = map[string]bool{"leaks": true, "leak": true, "services": true, "service": true, "targets": true, "status": true, "setup": true, "fleet": true}

// leastRefresh is the shortest time between two refreshes of a page, in seconds.
const leastRefresh = 2

// ticking matches what changes on a page although nothing has happened: the words of a time, such as "3 min
// ago", and the footer with the time of the page itself.
var ticking = regexp.MustCompile(`(<time[^>]*>)[^<]*(</time>)|<footer>(?s:.*?)</footer>`)

// entityTag returns the ETag of a page. It stays the same if only times have changed, because an open page
// updates those itself.
func entityTag(page []byte) string {
	sum := sha256.Sum256(ticking.ReplaceAll(page, []byte("$1$2")))
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`
}
