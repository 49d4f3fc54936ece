package leak

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"

	"github.com/prometheus/prometheus/model/labels"
)

// ID is the identity of the leak of a service at a signature: the same on
// every replica, and again when the leak comes back.
func ID(service labels.Labels, signature string) string {
	h := sha256.New()
	h.Write(service.Bytes(nil))
	h.Write([]byte{0xff})
	h.Write([]byte(signature))
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// ByDetection compares leaks by the time of their detection.
func ByDetection(a, b Leak) int {
	return cmp.Or(a.DetectedAt.Compare(b.DetectedAt), cmp.Compare(a.ID, b.ID))
}
