// Command iterpull takes the first article of a list through iter.Pull, and
// throws away the function that would end the rest.
package main

import (
	"iter"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type catalogue struct {
	articles []string
	fixed    bool
	shown    int
}

func (c *catalogue) all() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, article := range c.articles {
			if !yield(article) {
				return
			}
		}
	}
}

func (c *catalogue) teaser() {
	next, stop := iter.Pull(c.all())
	if c.fixed {
		defer stop()
	}
	if article, ok := next(); ok {
		c.shown += len(article)
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		c := &catalogue{articles: []string{"lamp", "table", "chair"}, fixed: e.Fixed}
		e.Often(c.teaser)
	})
}
