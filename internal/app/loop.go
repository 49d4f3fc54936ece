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

// sweepInterval is the time between two looks for profiles that are too old;
// the first is after firstSweep, lest who is started often never sweeps.
const (
	sweepInterval = time.Hour
	firstSweep    = 5 * time.Minute
)

// loop evaluates at whole multiples of the interval, and reloads in between, so
// that the monitor has one caller.
func (a *App) loop(ctx context.Context) error {
	defer close(a.ended)
	defer a.monitor.Wait()
	scraping := a.startScraper(ctx, a.graph.Load())
	defer func() { scraping() }()

	// What fired before goes on while the history is read again.
	a.notify(time.Now(), a.monitor.Leaks())
	timer := time.NewTimer(a.evaluate(ctx))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case answer := <-a.reloads:
			old := a.graph.Load()
			err := a.reload(ctx)
			if now := a.graph.Load(); now != old {
				scraping()
				scraping = a.startScraper(ctx, now)
				old.closeIdle()
				// Not at once: time must not go back to before the last one.
				timer.Reset(untilNext(a.interval()))
			}
			answer <- err
		case <-a.triaged:
			if err := a.monitor.Apply(a.monitorOptions(a.graph.Load(), a.puller)); err != nil {
				a.logger.Error("Cannot apply the expected leaks; the previous rules stay in force", "err", err)
			}
		case r := <-a.requests:
			if err := a.monitor.Request(ctx, time.Now(), r); err != nil {
				a.logger.Debug("Profiles that were asked for are not taken", "service", r.Service, "err", err)
			}
		case <-timer.C:
			timer.Reset(a.evaluate(ctx))
		}
	}
}

func (a *App) interval() time.Duration {
	return time.Duration(a.graph.Load().config.Global.EvaluationInterval)
}

// untilNext is the time until the next whole multiple of the interval.
func untilNext(interval time.Duration) time.Duration {
	return time.Until(time.Now().Truncate(interval).Add(interval))
}

// evaluate runs a cycle and returns how long to wait for the next one: not at
// all while the history is read piece by piece. What goes wrong in it is logged
// by the monitor.
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

// Reload reads the configuration again. With a mistake in it, everything goes
// on as before and the error says what it is.
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

// errEnded answers who comes too late.
var errEnded = errors.New("gorowatch is stopping")

// reload is called by the loop. What can fail comes before what changes.
func (a *App) reload(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			a.reloadOK.Set(0)
			a.logger.Error("The configuration was not reloaded, the old one stays", "err", err)
			return
		}
		a.reloadOK.Set(1)
		a.reloadTime.SetToCurrentTime()
		a.logger.Info("The configuration was reloaded")
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
			// All of them have checked their options when the graph was built.
			return fmt.Errorf("reload is incomplete: %w", err)
		}
	}
	a.pushed.Apply(a.pushConfig(g))
	a.archive.GroupBy(c.Services.GroupBy)
	a.groupingChecked = time.Time{}
	a.graph.Store(g)
	a.applyRuntime(c)
	a.updateScrapeTargets()
	if bucket == nil {
		return nil
	}
	// What is under way ends with what it began with.
	a.monitor.Wait()
	a.memoryNotice.Store(&notice)
	if err := a.archive.Replace(bucket); err != nil {
		a.logger.Warn("The archive of before could not be closed", "err", err)
	}
	a.monitor.ForgetArchive()
	a.readTriage(ctx)
	return nil
}

// sweep thins out profiles and deletes what is past its retention, now and then.
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
				a.logger.Warn("Old profiles could not be deleted", "err", err)
			}
		}
	}
}
