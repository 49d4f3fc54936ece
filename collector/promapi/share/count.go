package share

import (
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Count returns the expression for the number of series of each group: those that agree on the
// labels with these names.
func Count(names []string, expr string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = labelName(name)
	}
	return "count by (" + strings.Join(quoted, ", ") + ") (" + expr + ")"
}

// labelName writes a label name in PromQL. It only quotes where needed, for servers that are
// older than quoted names.
func labelName(name string) string {
	if model.LegacyValidation.IsValidLabelName(name) {
		return name
	}
	return strconv.Quote(name)
}

// Within adds matchers to a selector, empty or {matchers}.
func Within(selector, matchers string) string {
	rest := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(selector), "{"), "}"))
	if rest == "" {
		return "{" + matchers + "}"
	}
	return "{" + matchers + "," + rest + "}"
}

// Without returns the matchers of the series that lack one of the labels: one for each name.
func Without(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = labels.MustNewMatcher(labels.MatchEqual, name, "").String()
	}
	return out
}
