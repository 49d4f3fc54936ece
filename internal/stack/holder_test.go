package stack

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHolders(t *testing.T) {
	waiting := only(t, goroutine("sync.Mutex.Lock", "sync.(*Mutex).Lock", "main.(*ledger).add", "net/http.HandlerFunc.ServeHTTP"), "debug=2")
	h := NewHolders(waiting)
	require.NotNil(t, h)
	rank := func(began bool, state string, frames ...string) int {
		return h.Rank(only(t, goroutine(state, frames...), "debug=2"), began)
	}
	flush := rank(true, "IO wait", "internal/poll.runtime_pollWait", "net.(*conn).Read", "main.(*ledger).flush", "main.main.func1")
	require.Greater(t, flush, rank(true, "select", "main.(*ledger).loop"), "it is blocked itself")
	require.Positive(t, rank(false, "IO wait", "net.(*conn).Read", "main.(*ledger).flush"), "in a method of the same type, blocked")
	require.Zero(t, rank(false, "select", "main.(*ledger).loop"), "it may be idle")
	require.Zero(t, rank(false, "IO wait", "net.(*conn).Read", "main.(*client).get"), "of another type")
	require.Positive(t, rank(true, "IO wait", "net.(*conn).Read", "main.(*client).get"), "which began with the others")
	require.Zero(t, rank(true, "sync.Mutex.Lock", "sync.(*Mutex).Lock", "main.(*ledger).total"), "it waits for the same lock")
	require.Zero(t, rank(true, "IO wait", "net.(*conn).Read", "main.main"), "what main does says nothing")

	sending := NewHolders(only(t, goroutine("chan send", "main.(*shop).quote.func1"), "debug=2"))
	require.Zero(t, sending.Rank(only(t, goroutine("select", "main.(*shop).quote"), "debug=2"), true), "a request that is being answered")
	require.Positive(t, sending.Rank(only(t, goroutine("IO wait", "net.(*conn).Write", "main.(*shop).deliver"), "debug=2"), true))

	require.Nil(t, NewHolders(only(t, goroutine("IO wait", "net.(*conn).Read", "main.(*ledger).flush"), "debug=2")), "nobody holds an answer")
}
