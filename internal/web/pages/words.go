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

// tally is a count that a page shows with separators.
type tally = listing.Tally

// word shortens an identifier of a closed set. The archive may hold others, which
// anybody with access to the bucket can write.
func word[T ~string](x T) string { return human.Line(string(x), 20) }

// pairs are labels as a page shows them.
func pairs(ls labels.Labels) (all []pair) {
	ls.Range(func(l labels.Label) {
		all = append(all, pair{human.Line(l.Name, maxName), human.Line(l.Value, maxName)})
	})
	return all
}

// term is a word with what it means, to be read by pointing at it.
func term(word string) template.HTML {
	return template.HTML(`<abbr title="` + template.HTMLEscapeString(help.Meaning(word)) + `">` + template.HTMLEscapeString(word) + `</abbr>`) //nolint:gosec // is escaped
}
