package shard

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// Shard is one of several shares of the services. The zero value has them all.
type Shard struct {
	index, count uint64
}

// maxShards is the largest number of shards.
const maxShards = 10_000

// Parse reads "I/N", the share I of N, counted from 0. The empty string means all services.
func Parse(s string) (Shard, error) {
	if s == "" {
		return Shard{}, nil
	}
	i, n, ok := strings.Cut(s, "/")
	index, err1 := strconv.ParseUint(i, 10, 32)
	count, err2 := strconv.ParseUint(n, 10, 32)
	if !ok || err1 != nil || err2 != nil || index >= count || count > maxShards {
		return Shard{}, fmt.Errorf("%q is not a shard, expected I/N with 0 ≤ I < N, e.g. 0/3, 1/3 and 2/3", s)
	}
	return Shard{index, count}, nil
}

// String is "I/N", empty for all.
func (s Shard) String() string {
	if s.count == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.index, s.count)
}

// Index returns the number of the share, from 0.
func (s Shard) Index() int { return int(s.index) }

// Count returns how many shares there are, at least 1.
func (s Shard) Count() int { return int(max(s.count, 1)) }

// All reports whether there is only one share.
func (s Shard) All() bool { return s.count <= 1 }

// placeholder stands for the number of the shard in addresses.
const placeholder = "$(SHARD)"

// Address returns an address in which the host or the path may have $(SHARD): the number of
// the shard takes its place.
func (s Shard) Address(u *url.URL) *url.URL {
	out, number := *u, strconv.Itoa(s.Index())
	out.Host = strings.ReplaceAll(u.Host, placeholder, number)
	out.Path, out.RawPath = strings.ReplaceAll(u.Path, placeholder, number), strings.ReplaceAll(u.RawPath, placeholder, number)
	return &out
}

// Owns reports whether a service, by its labels, belongs to the shard.
//
// Each service belongs to the shard whose number makes the highest hash with its labels
// (rendezvous hashing; Thaler and Ravishankar, 1998). With one shard more, a service either
// stays or moves to the new one.
func (s Shard) Owns(service labels.Labels) bool {
	if s.All() {
		return true
	}
	h := labels.StableHash(service)
	mine := mix(h, s.index)
	for i := range s.count {
		if x := mix(h, i); x > mine || x == mine && i < s.index {
			return false
		}
	}
	return true
}

// mix hashes both (the finalizer of SplitMix64; Steele, Lea and Flood, 2014).
func mix(h, i uint64) uint64 {
	x := h + (i+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
