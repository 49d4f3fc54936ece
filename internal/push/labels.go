package push

import (
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// serviceName is the label with the name of the application.
const serviceName = "service_name"

// parseName reads the name of /ingest: an application with labels, such as
// checkout{namespace=shop,pod=checkout-1}. Values are not quoted.
func parseName(name string) (labels.Labels, *problem) {
	if len(name) > collector.MaxLabelsBytes {
		return labels.EmptyLabels(), drop(ReasonBadLabels, "name: too long")
	}
	app, rest, has := strings.Cut(name, "{")
	b := labels.NewScratchBuilder(8)
	if app = strings.TrimSpace(app); app != "" {
		b.Add(serviceName, app)
	}
	seen := map[string]bool{serviceName: app != ""}
	if has {
		list, after, closed := strings.Cut(rest, "}")
		if !closed || strings.TrimSpace(after) != "" {
			return labels.EmptyLabels(), drop(ReasonBadLabels, "name: expected an application with labels, e.g. checkout{pod=checkout-1}")
		}
		for pair := range strings.SplitSeq(list, ",") {
			key, value, ok := strings.Cut(pair, "=")
			if key, value = strings.TrimSpace(key), strings.TrimSpace(value); key == "" && value == "" && !ok {
				continue // an empty list, or a comma at its end
			}
			if key == "" || !ok {
				return labels.EmptyLabels(), drop(ReasonBadLabels, "name: expected labels as key=value")
			}
			if seen[key] {
				return labels.EmptyLabels(), drop(ReasonBadLabels, "name: the label "+collector.Brief(key, 64)+" comes twice")
			}
			seen[key] = true
			b.Add(key, value)
		}
	}
	b.Sort()
	return checkLabels(b.Labels())
}

// checkLabels refuses labels that cannot be those of an instance.
func checkLabels(ls labels.Labels) (labels.Labels, *problem) {
	if text := collector.LabelsProblem(ls); text != "" {
		return labels.EmptyLabels(), drop(ReasonBadLabels, "the labels of the profile: "+text)
	}
	return ls, nil
}
