// Package queue has functions that zoo inlines and instantiates.
package queue

// Q is a queue of one.
type Q[E any] struct{ C chan E }

// New makes a queue.
func New[E any]() *Q[E] { return &Q[E]{C: make(chan E)} }

// Push is inlined.
func (q *Q[E]) Push(v E) { q.C <- v }

// Pop is not.
//
//go:noinline
func (q *Q[E]) Pop() E { return <-q.C }

// Map maps.
func Map[A, B any](in []A, f func(A) B) []B {
	var out []B
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}

// Sender is inlined, and its closure with it.
func Sender(c chan int) func() { return func() { c <- 1 } }

// T has a Sender, too.
type T struct{ C chan int }

// Sender is inlined, and its closure with it.
func (t *T) Sender() func() { return func() { t.C <- 1 } }
