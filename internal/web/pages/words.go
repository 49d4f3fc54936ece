package pages

import (
	"html/template"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/help"
	"github.com/gorowatch/gorowatch/internal/web/listing"
)

// pair is a name and its value.
type pair struct{ Name, Value string }

// tally is a count that pages show with separators.
type tally = listing.Tally

// word bounds the length of an identifier from a closed set. The archive may have others, because anybody
// with access to the bucket can write there.
func word[T ~string](x T) string { return human.Line(string(x), 20) }

// pairs returns labels as pages show them.
func pairs(ls labels.Labels) (all []pair) {
	ls.Range(func(l labels.Label) {
		all = append(all, pair{human.Line(l.Name, maxName), human.Line(l.Value, maxName)})
	})
	return all
}

// term returns a word of the glossary as HTML, with its meaning as a tooltip.
func term(word string) template.HTML {
	return template.HTML(`<abbr title="` + template.HTMLEscapeString(help.Meaning(word)) + `">` + template.HTMLEscapeString(word) + `</abbr>`) //nolint:gosec // is escaped
}
