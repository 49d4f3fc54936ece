package view

import (
	"strconv"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// leakTexts returns the texts that a search for a leak covers: its names, and every function
// and file of its stacks.
func leakTexts(l leak.Leak) []string {
	texts := append([]string{l.ID, alerting.ServiceName(l.Service), string(l.Evidence), l.Version}, l.Instances...)
	return append(texts, stackTexts(l)...)
}

// stackTexts returns the functions and the files of the stacks of a leak.
func stackTexts(l leak.Leak) (texts []string) {
	for _, s := range l.Stacks {
		texts = append(texts, s.Op, s.Signature)
		for _, f := range append([]collector.Frame{s.Key, s.CreatedBy}, s.Frames...) {
			texts = append(texts, f.Func, collector.ReadableFunc(f.Func), f.File+":"+strconv.Itoa(f.Line))
		}
	}
	return texts
}
