// Command lumberjack writes a log file for each job and closes it after the
// job. Closing a lumberjack.Logger leaves the goroutine behind that rotates.
package main

import (
	"fmt"
	"path/filepath"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	lumberjack "gopkg.in/natefinch/lumberjack.v2"
)

type jobs struct {
	dir    string
	count  int
	shared *lumberjack.Logger // the fixed form writes all jobs into one file
}

func (j *jobs) run() {
	j.count++
	if j.shared != nil {
		fmt.Fprintf(j.shared, "job %d done\n", j.count)
		return
	}
	out := &lumberjack.Logger{Filename: filepath.Join(j.dir, fmt.Sprintf("job-%d.log", j.count%50)), MaxBackups: 1}
	fmt.Fprintf(out, "job %d done\n", j.count)
	exhibit.Must(0, out.Close())
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		j := &jobs{dir: e.Dir}
		if e.Fixed {
			j.shared = &lumberjack.Logger{Filename: filepath.Join(e.Dir, "jobs.log"), MaxBackups: 1}
		}
		e.Often(j.run)
	})
}
