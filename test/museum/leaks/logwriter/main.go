// Command logwriter runs a tool for each upload and has its output logged by
// logrus, through a writer that nobody closes.
package main

import (
	"fmt"
	"io"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"github.com/sirupsen/logrus"
)

type uploads struct {
	log   *logrus.Logger
	fixed bool
	count int
}

func (u *uploads) scan() {
	u.count++
	out := u.log.WithField("upload", u.count).Writer()
	if u.fixed {
		defer out.Close()
	}
	fmt.Fprintln(out, "no virus found")
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		u := &uploads{log: logrus.New(), fixed: e.Fixed}
		u.log.SetOutput(io.Discard)
		e.Often(u.scan)
	})
}
