//go:build go1.23

package main

import (
	"context"
	"iter"
)

func three(yield func(int) bool) {
	for i := 0; i < 3; i++ {
		if !yield(i) {
			return
		}
	}
}

func ranger(c chan int) {
	for i := range three {
		c <- i
	}
}

// since123 starts goroutines that older versions cannot.
func since123(c chan int) {
	kept = append(kept, c)
	go ranger(c)
	go func() {
		next, _ := iter.Pull(func(func(int) bool) { <-c })
		next()
	}()
	ctx, cancel := context.WithCancel(context.Background())
	context.AfterFunc(ctx, func() { <-c })
	cancel()
}
