package stack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/gorowatch/gorowatch/collector"
)

// Bounds on the counts by pprof label, so that labels with a value for each goroutine take
// little memory. The values with most goroutines come first in a profile.
const (
	maxLabelKeys     = 8   // of a stack
	maxLabelValues   = 8   // of a key of a stack
	maxLabelsCounted = 512 // of a profile
	maxLabelText     = 80  // bytes of a key or a value
)

// Label is a pprof label as it may be shown.
type Label struct{ Key, Value string }

// LabelText returns the value of a pprof label as it may be shown. It must return the same
// for the same label.
type LabelText func(key, value string) string

// HashLabels returns a LabelText that shows the values of the allowed keys and hashes all
// others: "#5f3a9c2d". Nobody without the secret can find out a value by trying.
func HashLabels(secret []byte, allowed []string) LabelText {
	return func(key, value string) string {
		if slices.Contains(allowed, key) {
			return value
		}
		h := hmac.New(sha256.New, secret)
		_, _ = h.Write([]byte(key + "\x00" + value))
		return "#" + hex.EncodeToString(h.Sum(nil)[:4])
	}
}

// CountLabels makes the snapshots count goroutines by their pprof labels, with values as text
// returns them. Nil turns it off.
func (b *Builder) CountLabels(text LabelText) { b.labelText = text }

// countLabels counts the labels of a record of a stack.
func (b *Builder) countLabels(s *Stack, rec *collector.Record) {
	if b.labelText == nil || len(rec.Labels) == 0 {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(rec.Labels)) {
		l := Label{shortText(key), shortText(b.labelText(key, rec.Labels[key]))}
		if n, ok := s.ByLabel[l]; ok {
			s.ByLabel[l] = addCount(n, rec.Count)
			continue
		}
		if b.labels >= maxLabelsCounted || !s.hasRoomFor(l.Key) {
			continue
		}
		if s.ByLabel == nil {
			s.ByLabel = map[Label]int64{}
		}
		s.ByLabel[l] = rec.Count
		b.labels++
	}
}

// hasRoomFor reports whether another value of a key is counted.
func (s *Stack) hasRoomFor(key string) bool {
	values, keys := 0, map[string]bool{key: true}
	for l := range s.ByLabel {
		keys[l.Key] = true
		if l.Key == key {
			values++
		}
	}
	return values < maxLabelValues && len(keys) <= maxLabelKeys
}

// shortText cuts a text that a program chose.
func shortText(s string) string {
	if len(s) <= maxLabelText {
		return s
	}
	return s[:maxLabelText-3] + "…"
}
