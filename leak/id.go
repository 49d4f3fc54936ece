package leak

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"

	"github.com/prometheus/prometheus/model/labels"
)

// ID makes the identity of a leak from its service and its stack. It is the same on every
// replica, and when the leak returns.
func ID(service labels.Labels, signature string) string {
	h := sha256.New()
	h.Write(service.Bytes(nil))
	h.Write([]byte{0xff})
	h.Write([]byte(signature))
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// ByDetection orders leaks by the time of their detection.
func ByDetection(a, b Leak) int {
	return cmp.Or(a.DetectedAt.Compare(b.DetectedAt), cmp.Compare(a.ID, b.ID))
}
