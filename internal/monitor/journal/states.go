package journal

import (
	"log/slog"
	"sync"
)

// states has the state of each thing as it was last logged.
type states struct {
	mtx    sync.Mutex
	byName map[string]string
}

// LogState calls log when the state of a thing changes, so that it is not logged at every cycle. The
// state "" means that all is well, and is not logged at first.
func (j *Journal) LogState(thing, state string, log func(*slog.Logger)) {
	s := &j.states
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if s.byName == nil {
		s.byName = map[string]string{}
	}
	before, known := s.byName[thing]
	s.byName[thing] = state
	if before != state || (!known && state != "") {
		log(j.logger)
	}
}
