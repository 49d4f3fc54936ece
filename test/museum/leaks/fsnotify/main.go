// Command fsnotify watches its configuration, and makes another watcher each
// time that it has changed.
package main

import (
	"github.com/fsnotify/fsnotify"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type settings struct {
	dir     string
	watcher *fsnotify.Watcher
	fixed   bool
}

func (s *settings) reload() {
	if s.fixed && s.watcher != nil {
		_ = s.watcher.Close()
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return // the system has no more of them
	}
	s.watcher = watcher
	exhibit.Must(0, watcher.Add(s.dir))
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		s := &settings{dir: e.Dir, fixed: e.Fixed}
		e.Often(s.reload)
	})
}
