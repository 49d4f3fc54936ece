package stack

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// load reads a profile from testdata, which testdata/zoo wrote.
func load(t testing.TB, name string) *collector.Profile {
	t.Helper()
	f, err := os.Open("testdata/profiles/" + name)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	p, err := pprof.Parse(f, time.Unix(1700000000, 0), pprof.Limits{})
	require.NoError(t, err, name)
	return p
}
