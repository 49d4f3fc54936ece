package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// verify runs each case and its twin for a while and checks whether the program does what
// cases.yaml says: the function grows at about the rate, waiting for the operation, and does
// not in the twin.
func verify(out io.Writer, b Binaries, m *Museum, speed float64, watch time.Duration) error {
	const together = 8
	var failed []error
	for cases := range slices.Chunk(m.Leaks, together) {
		stage, err := newStage(b, m, speed, 10*time.Minute)
		if err != nil {
			return err
		}
		for _, c := range cases {
			if err := missing(errors.Join(stage.leak(c), stage.twin(c))); err != nil {
				stage.stop()
				return err
			}
		}
		var mu sync.Mutex
		var done sync.WaitGroup
		for _, shown := range stage.Shown {
			done.Go(func() {
				line, err := look(shown, speed, watch)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed = append(failed, fmt.Errorf("%s: %w", shown.job(), err))
					line += "  WRONG: " + err.Error()
				}
				fmt.Fprintf(out, "%-20s %s\n", shown.job(), line)
			})
		}
		done.Wait()
		stage.stop()
	}
	return errors.Join(failed...)
}

// look compares two dumps of a program.
func look(s Shown, speed float64, watch time.Duration) (line string, err error) {
	time.Sleep(watch / 2)
	before, err := dump(s)
	if err != nil {
		return "", err
	}
	time.Sleep(watch)
	// A goroutine that a finalizer would still end is no leak.
	for range 2 {
		if _, err := s.get("/debug/pprof/heap?gc=1"); err != nil {
			return "", err
		}
	}
	after, err := dump(s)
	if err != nil {
		return "", err
	}
	every := s.Every
	if every == 0 {
		every = 1
	}
	expected := float64(s.Rate) * watch.Hours() * speed * min(every, 1)
	if s.Limit > 0 {
		expected = min(expected, float64(s.Limit)/3)
	}
	was, _ := before.count(s.functions()...)
	is, states := after.count(s.functions()...)
	line = fmt.Sprintf("%5d → %5d (of %d, expected +%.0f) %v", was, is, len(after), expected, states)
	grown := float64(is - was)
	if s.Kind == "twin" {
		if all := float64(len(after) - len(before)); grown > 3+expected/5 || all > 10+expected/4 {
			return line, fmt.Errorf("the twin grows by %.0f of its function, %.0f in all", grown, all)
		}
		return line, nil
	}
	if grown < expected/3 || grown < 3 {
		return line, fmt.Errorf("grows by %.0f, expected about %.0f", grown, expected)
	}
	if _, most := after.count(s.Function); most[s.Operation] == 0 {
		return line, fmt.Errorf("none of %s waits for %q", s.Function, s.Operation)
	}
	if s.Culprit != "" {
		if n, _ := after.count(s.Culprit); n == 0 {
			return line, fmt.Errorf("the culprit %s is not there", s.Culprit)
		}
	}
	return line, nil
}
