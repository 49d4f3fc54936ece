package setup

import (
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// maxNames bounds the names of metrics in a sentence.
const maxNames = 8

// Starting says what happens until the first evaluation is done.
func Starting(s *view.Series) string {
	switch {
	case s == nil:
		return "the first evaluation is not done yet"
	case s.Error != "":
		return "the first evaluation is not done yet, because the series cannot be read: " + human.Line(s.Error, maxWords)
	case s.Done > 0 && s.Done < 1:
		return "the first evaluation is not done yet: " + human.Percent(s.Done) + " of the last " + human.Duration(s.History) + " is read"
	}
	return "the first evaluation is not done yet; gorowatch is reading the last " + human.Duration(s.History) + " from " + human.Line(s.Source, maxWords)
}

// Unknown says in sentences why the absence of leaks means nothing yet. It is empty if it
// means that nothing leaks: services are watched, and their series are read.
func Unknown(ready bool, services int, s *view.Series) string {
	switch {
	case !ready:
		return "gorowatch is starting: " + Starting(s) + "."
	case s != nil && s.Error != "" && services > 0:
		return human.Plural(int64(services), "service was", "services were") + " watched, but the series cannot be read now: " + human.Line(s.Error, maxWords) + "."
	case s != nil && s.Error != "":
		return "The series cannot be read: " + human.Line(s.Error, maxWords) + "."
	case services == 0:
		return "No series with goroutine counts has been found so far. " + Searched(s)
	}
	return ""
}

// Searched says by which names goroutine counts are looked for, and where.
func Searched(s *view.Series) string {
	if s == nil || len(s.Names) == 0 {
		return "gorowatch looks again at each evaluation."
	}
	return "gorowatch looks again at each evaluation. Names: " + namesText(s.Names) + ". Source: " + human.Line(s.Source, maxWords) + "."
}

// namesText lists names, as many as one reads.
func namesText(names []string) string {
	var text string
	for i, name := range names[:min(len(names), maxNames)] {
		if i > 0 {
			text += ", "
		}
		text += human.Line(name, view.MaxName)
	}
	if more := len(names) - maxNames; more > 0 {
		text += " and " + human.Count(int64(more)) + " more"
	}
	return text
}
