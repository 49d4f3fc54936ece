package profiling

import (
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// maxCaptureStacks bounds the stacks that a capture shows.
const maxCaptureStacks = 5

// Capture has the profiles of one instance that were taken for a request.
type Capture struct {
	ondemand.Capture
	// Saved reports whether the archive has the capture in its present state.
	Saved bool
}

// updateCapture updates the capture of a request from the profiles of the instance.
func (s *Service) updateCapture(in *instanceProfiles) {
	c := s.request.capture(in.Name)
	if c == nil {
		return
	}
	n := len(in.profiles)
	if n == 0 || in.profiles[n-1].taken().Before(s.request.at) {
		if c.Error != in.lastError {
			c.Error, c.Saved = in.lastError, false
		}
		return
	}
	profiles := s.loadedFromBase(in)
	if len(profiles) == 0 {
		return
	}
	c.Error, c.Saved = "", false
	c.Profiles = nil
	for _, p := range profiles {
		c.Profiles = append(c.Profiles, p.ref)
	}
	var base *stack.Snapshot
	if len(profiles) > 1 {
		base = profiles[0].snapshot
	}
	head := profiles[len(profiles)-1].snapshot
	program := stack.ProgramOf(head, base)
	c.Stacks = nil
	for _, d := range stack.Diff(base, head) {
		if d.Growth() <= 0 || len(c.Stacks) == maxCaptureStacks {
			break
		}
		c.Stacks = append(c.Stacks, leak.StackGrowth{
			Signature: d.Signature, Op: d.Op, Frames: d.Calls(), Key: d.Key, CreatedBy: d.CreatedBy, Base: d.Base, Head: d.Head, Wait: d.Wait, Program: program,
		})
	}
}

// loadedFromBase returns the profiles in memory of the present process, from the last one before the
// request on.
func (s *Service) loadedFromBase(in *instanceProfiles) []storedProfile {
	return s.loaded(in.Name, attribution.FromBase(in.profiles, storedProfile.taken, s.request.at.Add(-1)))
}
