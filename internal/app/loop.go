package app

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/internal/archive"
	"github.com/gorowatch/gorowatch/leak"
)

// sweepInterval is the time between two deletions of old profiles. The first is after
// firstSweep, so that a gorowatch that restarts often deletes too.
const (
	sweepInterval = time.Hour
	firstSweep    = 5 * time.Minute
)

// followPause is the least time between two looks at profiles that have arrived.
const followPause = time.Second

// loop evaluates at whole multiples of the interval and reloads in between. So the monitor has
// a single caller.
func (a *App) loop(ctx context.Context) error {
	defer close(a.ended)
	defer a.monitor.Wait()
	scraping := a.startScraper(ctx, a.graph.Load())
	defer func() { scraping() }()

	// Firing leaks keep firing while the history is read again.
	a.notify(time.Now(), a.monitor.Leaks())
	timer := time.NewTimer(a.evaluate(ctx))
	defer timer.Stop()
	// Profiles of growth that have arrived, or are due, do not wait for an evaluation.
	var followed time.Time
	arrived := false
	for {
		var follow <-chan time.Time
		if next := a.monitor.NextFollow(); arrived || !next.IsZero() {
			wait := followPause - time.Since(followed)
			if !arrived {
				wait = max(wait, time.Until(next))
			}
			follow = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.monitor.Urgent():
			arrived = true
		case <-follow:
			arrived = false
			a.monitor.Follow(ctx, time.Now().Truncate(time.Second))
			followed = time.Now()
		case answer := <-a.reloads:
			old := a.graph.Load()
			err := a.reload(ctx)
			if now := a.graph.Load(); now != old {
				scraping()
				scraping = a.startScraper(ctx, now)
				old.closeIdle()
				// It waits: time must not go back before the last evaluation.
				timer.Reset(untilNext(a.interval()))
			}
			answer <- err
		case <-a.triaged:
			if err := a.monitor.Apply(a.monitorOptions(a.graph.Load(), a.puller)); err != nil {
				a.logger.Error("Cannot apply the expected leaks; the previous rules stay in force", "err", err)
			}
		case r := <-a.requests:
			if err := a.monitor.Request(ctx, time.Now(), r); err != nil {
				a.logger.Debug("Requested profiles are not taken", "service", r.Service, "err", err)
			}
		case <-timer.C:
			timer.Reset(a.evaluate(ctx))
		}
	}
}

func (a *App) interval() time.Duration {
	return time.Duration(a.graph.Load().config.Global.EvaluationInterval)
}

// untilNext returns the time until the next whole multiple of the interval.
func untilNext(interval time.Duration) time.Duration {
	return time.Until(time.Now().Truncate(interval).Add(interval))
}

// evaluate runs a cycle and returns the wait until the next one, which is 0 while the history
// is read in pieces. The monitor logs errors.
func (a *App) evaluate(ctx context.Context) time.Duration {
	if err := a.monitor.Cycle(ctx, time.Now().Truncate(a.interval())); err != nil {
		return untilNext(a.interval())
	}
	if a.monitor.Behind() {
		return 0
	}
	if !a.ready.Swap(true) {
		debug.FreeOSMemory() // what reading the history took is not needed again
	}
	a.puller.Keep(a.monitor.CurrentLabels)
	a.updateScrapeTargets() // targets that were held for a while end without an update
	a.countTargets()
	a.checkGrouping(time.Now())
	return untilNext(a.interval())
}

// notify hands the leaks out.
func (a *App) notify(now time.Time, leaks []leak.Leak) {
	a.notifier.Update(leaks, now)
	a.events.Update(leaks, now)
	if reading := a.monitor.Behind() && a.monitor.State().Error == ""; a.o.OnLeaks != nil && !reading {
		a.o.OnLeaks(now, leaks)
	}
}

// startScraper starts the embedded scraping, if there is one; the function
// ends it.
func (a *App) startScraper(ctx context.Context, g *graph) (stop func()) {
	if g.scraper == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { g.scraper.Run(ctx) })
	return func() {
		cancel()
		wg.Wait()
	}
}

// Reload reads the configuration again. If it has a mistake, the previous configuration stays
// in force and the error describes the mistake.
func (a *App) Reload(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case a.reloads <- answer:
	case <-a.ended:
		return errEnded
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errEnded answers requests after the end.
var errEnded = errors.New("gorowatch is stopping")

// reload applies a new configuration. The loop calls it. Everything that can fail comes before
// anything changes.
func (a *App) reload(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			a.reloadOK.Set(0)
			a.logger.Error("Cannot reload the configuration; the previous one stays in force", "err", err)
			return
		}
		a.reloadOK.Set(1)
		a.reloadTime.SetToCurrentTime()
		a.logger.Info("Reloaded the configuration")
	}()
	c, err := a.load()
	if err != nil {
		return err
	}
	old := a.graph.Load()
	g, err := a.build(c)
	if err != nil {
		return err
	}
	var bucket *archive.Archive // another one, if it moves
	notice := *a.memoryNotice.Load()
	if c.Storage.URL != old.config.Storage.URL {
		if bucket, notice, err = a.openArchive(ctx, c); err != nil {
			return err
		}
	}
	mo := a.monitorOptions(g, a.puller)
	for _, apply := range []func() error{
		func() error { return a.watcher.Apply(g.sets) },
		func() error { return a.puller.Apply(g.puller) },
		func() error { return a.applyAlerting(g) },
		func() error { return a.monitor.Apply(mo) },
	} {
		if err := apply(); err != nil {
			// The options were checked when the graph was built.
			return fmt.Errorf("reload is incomplete: %w", err)
		}
	}
	a.pushed.Apply(a.pushConfig(g))
	a.archive.GroupBy(c.Services.GroupBy)
	a.groupingChecked = time.Time{}
	a.graph.Store(g)
	a.pictures.Apply(g.pictures)
	a.applyRuntime(c)
	a.updateScrapeTargets()
	if bucket == nil {
		return nil
	}
	// Pulls under way finish with the options that they began with.
	a.monitor.Wait()
	a.memoryNotice.Store(&notice)
	if err := a.archive.Replace(bucket); err != nil {
		a.logger.Warn("Cannot close the previous archive", "err", err)
	}
	a.pictures.Apply(g.pictures) // the key of this bucket
	a.monitor.ForgetArchive()
	a.readTriage(ctx)
	return nil
}

// sweep thins out profiles and deletes those past the retention, at intervals.
func (a *App) sweep(ctx context.Context) error {
	next := time.NewTimer(firstSweep)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-next.C:
			next.Reset(sweepInterval)
			retention := time.Duration(a.graph.Load().config.Storage.Retention)
			if *a.memoryNotice.Load() != "" {
				retention = min(retention, 24*time.Hour)
			}
			if err := a.archive.Sweep(ctx, now, retention, a.monitor.Leaks()); err != nil && ctx.Err() == nil {
				a.logger.Warn("Cannot delete old profiles", "err", err)
			}
		}
	}
}
