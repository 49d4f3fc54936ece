package app

import (
	"context"
	"fmt"
	"io"
	"time"

	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/memblob"  // mem://

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/collector/scrape"
	"github.com/gorowatch/gorowatch/internal/archive"
	"github.com/gorowatch/gorowatch/internal/config"
)

// openArchive opens the bucket of a configuration. The notice is that of openBucket.
func (a *App) openArchive(ctx context.Context, c config.Config) (*archive.Archive, string, error) {
	chosen := a.o.StorageURL != "" || c.Storage.URL != config.Default().Storage.URL
	return openBucket(ctx, c.Storage.URL, chosen, archive.Options{
		GroupBy: c.Services.GroupBy,
		Decode: func(ctx context.Context, r io.Reader, taken time.Time) (*collector.Profile, error) {
			return pprof.ParseContext(ctx, r, taken, pprof.Limits{Budget: a.decodingBudget})
		},
		Logger:  a.logger.With("component", "archive"),
		Metrics: a.bucketMetrics,
	})
}

// openBucket opens a bucket. If nobody has chosen it and it cannot be written, as on a
// laptop, it opens one in memory and returns a notice.
func openBucket(ctx context.Context, rawURL string, chosen bool, o archive.Options) (a *archive.Archive, notice string, err error) {
	a, err = archive.Open(ctx, rawURL, o)
	if err == nil || chosen {
		return a, "", err
	}
	notice = fmt.Sprintf("Profiles and leaks are kept in memory and lost on exit: %v. Set storage.url or --storage.url.", err)
	o.Logger.Warn("Profiles and leaks are kept in memory and lost on exit; set storage.url or --storage.url", "err", err)
	a, err = archive.Open(ctx, "mem://", o)
	return a, notice, err
}

// decodingBytes returns how many bytes of a memory limit the decoding of profiles may
// use: two fifths of a small limit.
func decodingBytes(limit int64) int64 {
	return max(24<<20, min(pprof.DefaultBudget, limit/5*2))
}

// seriesStore returns the store of the series that gorowatch scrapes itself. It opens it
// at the first call.
func (a *App) seriesStore() (scrape.Store, error) {
	if a.series != nil {
		return a.series, nil
	}
	if a.o.OpenSeries == nil {
		a.series = scrape.NewMemory()
		return a.series, nil
	}
	s, notice, err := a.o.OpenSeries(a.logger.With("component", "series"), a.o.Registry)
	if err != nil {
		return nil, err
	}
	a.series, a.seriesNotice = s, notice
	a.onStop("series", s.Close)
	return a.series, nil
}
