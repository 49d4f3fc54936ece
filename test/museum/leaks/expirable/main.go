// Command expirable gives every session a cache of its own that forgets after
// ten minutes. Such a cache has a goroutine, and no way to stop it.
package main

import (
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"github.com/hashicorp/golang-lru/v2/expirable"
)

type cache = expirable.LRU[string, int]

type sessions struct {
	shared *cache // the fixed form has one for all
	hits   int
}

func (s *sessions) open() *cache {
	if s.shared != nil {
		return s.shared
	}
	return expirable.NewLRU[string, int](100, nil, 10*time.Minute)
}

func (s *sessions) login() {
	c := s.open()
	c.Add("basket", 3)
	if n, ok := c.Get("basket"); ok {
		s.hits += n
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		s := &sessions{}
		if e.Fixed {
			s.shared = s.open()
		}
		e.Often(s.login)
	})
}
