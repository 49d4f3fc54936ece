package archive

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

// million makes a folder with a million profiles: 100 namespaces of 20 services
// of 10 instances with 50 each.
func million(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	var wg sync.WaitGroup
	for ns := range 100 {
		wg.Go(func() {
			for i := range 200 {
				folder := filepath.Join(dir, "profiles", fmt.Sprint("namespace-", ns), fmt.Sprint("service-", i/10), fmt.Sprintf("10.0.0.%d:80", i%10))
				if err := os.MkdirAll(folder, 0o700); err != nil {
					b.Error(err)
				}
				for n := range 50 {
					name := noon.Add(time.Duration(n)*time.Minute).Format(timeFormat) + suffix
					if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	return dir
}

// BenchmarkAmongAMillion measures the operations of a cycle and its pulls in a bucket with a
// million profiles, and a sweep that has nothing to delete.
func BenchmarkAmongAMillion(b *testing.B) {
	dir := million(b)
	a, err := Open(b.Context(), "file://"+dir, Options{GroupBy: []string{"namespace", "job"}, Decode: decode})
	require.NoError(b, err)
	defer a.Close()
	service := labels.FromStrings("namespace", "namespace-50", "job", "service-10")
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			list, err := a.Profiles(b.Context(), service, "10.0.0.5:80")
			require.NoError(b, err)
			require.Len(b, list, 50)
		}
	})
	b.Run("save", func(b *testing.B) {
		for b.Loop() {
			_, err := a.SaveProfile(b.Context(), service, "10.0.0.5:80", noon, profile("1"))
			require.NoError(b, err)
		}
	})
	b.Run("leaks", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, a.SaveLeak(b.Context(), aLeak("one")))
			_, err := a.Leaks(b.Context())
			require.NoError(b, err)
		}
	})
	b.Run("sweep", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, a.Sweep(b.Context(), noon.Add(time.Hour), 24*time.Hour, nil))
		}
	})
}
