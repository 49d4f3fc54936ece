package stack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

func TestStandard(t *testing.T) {
	for name, want := range map[string]bool{
		"net/http.(*conn).serve":                     true,
		"internal/poll.(*FD).Read":                   true,
		"runtime.gopark":                             true,
		"main.main":                                  false,
		"github.com/acme/net/http.(*conn).serve":     false,
		"google.golang.org/grpc.(*ClientConn).Close": false,
		"": false,
	} {
		require.Equal(t, want, Standard(collector.Frame{Func: name}), name)
	}
}
