package pictures

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/leak"
)

const (
	// Validity is how long the address of a picture is valid.
	Validity = 30 * 24 * time.Hour
	// addressInterval is how often an open leak gets a new address. Chat services keep a
	// picture by its address, so a later message needs another one.
	addressInterval = time.Hour
	// clockSkew is how much two replicas may differ in time.
	clockSkew = 5 * time.Minute

	// MinKeySize is the length of the shortest key, in bytes.
	MinKeySize = 32

	// prefix and suffix surround the ID of the leak in a path.
	prefix, suffix = "/leaks/", ".png"

	maxIDSize = 64
)

// leakID returns the ID of the leak in the path of a picture, whatever a proxy has put before
// it. ok is false if the path is of no picture.
func leakID(path string) (id string, ok bool) {
	at := strings.LastIndex(path, prefix)
	if at < 0 {
		return "", false
	}
	id, ok = strings.CutSuffix(path[at+len(prefix):], suffix)
	return id, ok && id != "" && len(id) <= maxIDSize && !strings.Contains(id, "/")
}

// Signer signs and checks addresses of pictures. It is never changed.
type Signer struct{ key []byte }

// NewSigner makes a Signer with a key of MinKeySize bytes or more.
func NewSigner(key []byte) (*Signer, error) {
	if len(key) < MinKeySize {
		return nil, errors.New("the key has " + strconv.Itoa(len(key)) + " bytes, expected at least " + strconv.Itoa(MinKeySize))
	}
	return &Signer{key: key}, nil
}

// sign returns the signature of a leak's picture that is valid until a Unix second.
func (s *Signer) sign(id, expires string) string {
	h := hmac.New(sha256.New, s.key)
	_, _ = h.Write([]byte("gorowatch picture\n" + id + "\n" + expires))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// URL returns the signed address of a leak's picture below base. All replicas with one key
// return the same.
func (s *Signer) URL(base *url.URL, l leak.Leak) string {
	at := l.UpdatedAt
	if at.IsZero() {
		at = l.DetectedAt
	}
	expires := strconv.FormatInt(at.Truncate(addressInterval).Add(Validity).Unix(), 10)
	u := base.JoinPath("leaks", url.PathEscape(l.ID)+suffix)
	u.RawQuery = "expires=" + expires + "&signature=" + s.sign(l.ID, expires)
	return u.String()
}

// The reasons for which Check refuses an address.
var (
	errUnsigned  = errors.New("the address has no valid signature")
	errExpired   = errors.New("the address has expired")
	errTooLong   = errors.New("the address is valid for longer than 30 days")
	errMalformed = errors.New("the address is malformed")
)

// Check returns why the query of a picture's address is refused; nil: it is valid now.
func (s *Signer) Check(id string, query url.Values, now time.Time) error {
	expires, signature := query["expires"], query["signature"]
	if len(expires) != 1 || len(signature) != 1 || len(query) != 2 {
		return errMalformed
	}
	// The signature first: without the key, nobody learns anything else.
	if !hmac.Equal([]byte(signature[0]), []byte(s.sign(id, expires[0]))) {
		return errUnsigned
	}
	seconds, err := strconv.ParseInt(expires[0], 10, 64)
	if err != nil {
		return errMalformed
	}
	switch end := time.Unix(seconds, 0); {
	case !now.Before(end):
		return errExpired
	case end.Sub(now) > Validity+clockSkew:
		return errTooLong
	}
	return nil
}
