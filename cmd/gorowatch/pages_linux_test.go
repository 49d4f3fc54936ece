package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestForgetPages(t *testing.T) {
	// The pages of files, the third of the sizes in proc(5)'s statm.
	resident := func() (pages int) {
		statm, err := os.ReadFile("/proc/self/statm")
		require.NoError(t, err)
		pages, err = strconv.Atoi(strings.Fields(string(statm))[2])
		require.NoError(t, err)
		return pages
	}
	// All of the program is looked at, whoever ran before.
	smaps, err := os.Open("/proc/self/smaps")
	require.NoError(t, err)
	defer smaps.Close()
	memory, err := os.Open("/proc/self/mem")
	require.NoError(t, err)
	defer memory.Close()
	for _, m := range programMaps(smaps) {
		_, err := io.Copy(io.Discard, io.NewSectionReader(memory, int64(m.start), int64(m.end-m.start)))
		require.NoError(t, err)
	}
	before := resident()
	forgetPages()
	after := resident()
	t.Logf("%d pages, then %d", before, after)
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
	require.Equal(t, []mapped{{start: 0x400000, end: 0x500000}}, maps)
}

// BenchmarkForgetPages is what a round costs a process that needs few of them.
func BenchmarkForgetPages(b *testing.B) {
	for b.Loop() {
		forgetPages()
	}
}
