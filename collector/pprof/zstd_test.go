package pprof

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

func zstdOf(t *testing.T, data []byte, o ...zstd.EOption) []byte {
	w, err := zstd.NewWriter(nil, o...)
	require.NoError(t, err)
	return w.EncodeAll(data, nil)
}

// A profile that is compressed with zstd has the same bounds as others.
func TestZstd(t *testing.T) {
	for _, text := range []string{manyDumps, manyCounts, string(proto("goroutine", 1, 2, 3))} {
		want := parse(t, text)
		require.Equal(t, want, parse(t, string(zstdOf(t, []byte(text)))))
		require.Equal(t, want, parse(t, string(zstdOf(t, []byte(text), zstd.WithEncoderLevel(zstd.SpeedBestCompression)))))
	}
	data := zstdOf(t, []byte(manyDumps))
	bomb := zstdOf(t, []byte(manyDumps+strings.Repeat(" \n", 2<<20)))
	damaged := bytes.Clone(data)
	damaged[len(damaged)/2] ^= 0x10
	window := zstdOf(t, bytes.Repeat([]byte(manyDumps), 20_000), zstd.WithWindowSize(64<<20))
	for _, tc := range []struct {
		data   []byte
		reason collector.Reason
		want   string
	}{
		{data[:6], collector.ReasonTruncated, "the zstd stream ends early, after 0 decompressed bytes"},
		{data[:len(data)-1], collector.ReasonTruncated, "the zstd stream ends early"},
		{damaged, collector.ReasonBadData, "damaged after"},
		{bomb, collector.ReasonTooLarge, "more than 1048576 bytes when decompressed"},
		{window, collector.ReasonTooLarge, "needs a window of more than 8388608 bytes"},
		{zstdOf(t, data), collector.ReasonNotProfile, "that is compressed more than once"},
	} {
		_, err := Parse(bytes.NewReader(tc.data), fetched, Limits{Decoded: 1 << 20})
		require.ErrorContains(t, err, tc.want)
		require.Equal(t, tc.reason, collector.ReasonOf(err), tc.want)
	}
}
