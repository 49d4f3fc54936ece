package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestForgetPages(t *testing.T) {
	resident := func() (kB int) {
		f, err := os.Open("/proc/self/smaps")
		require.NoError(t, err)
		defer f.Close()
		for _, m := range programMaps(f) {
			kB += m.resident
		}
		return kB
	}
	before := resident()
	forgetPages()
	after := resident()
	t.Logf("%d kB, then %d kB", before, after)
	require.Less(t, after, before/2)
}

func TestProgramMaps(t *testing.T) {
	maps := programMaps(strings.NewReader(`00400000-00500000 r-xp 00000000 fd:00 42 /bin/my program
Rss:                 800 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00500000-00700000 r--p 00100000 fd:00 42 /bin/my program
Rss:                1200 kB
Anonymous:             4 kB
00700000-00710000 rw-p 00300000 fd:00 42 /bin/my program
Rss:                  40 kB
Anonymous:             0 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Rss:                2048 kB
Anonymous:             0 kB
7f0000000000-7f0000001000 r--s 00000000 fd:00 43 /var/shared
Rss:                   4 kB
Anonymous:             0 kB
7ffd3a5f0000-7ffd3a5f4000 r--p 00000000 00:00 0 [vvar]
Rss:                   0 kB
Anonymous:             0 kB
`))
	require.Equal(t, []mapped{{start: 0x400000, end: 0x500000, resident: 800}}, maps)
}
