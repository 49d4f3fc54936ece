// Command errgroup builds an index with readers that hand over to a writer. When
// the writer fails it is gone, and the readers wait for it, and Wait for them.
package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"golang.org/x/sync/errgroup"
)

type index struct {
	fixed bool
	built atomic.Int64
}

func (x *index) build(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	documents := make(chan int)
	group.Go(func() error {
		for i := range 20 {
			if !x.fixed {
				documents <- i
				continue
			}
			select {
			case documents <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	group.Go(func() error {
		for i := range 20 {
			if document := <-documents; document > 12 {
				return errors.New("document is broken")
			}
			x.built.Store(int64(i))
		}
		return nil
	})
	return group.Wait()
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		x := &index{fixed: e.Fixed}
		e.Often(func() { go func() { _ = x.build(e.Ctx) }() })
	})
}
