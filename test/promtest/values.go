package promtest

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// serveValues answers with the values of a label.
func (s *Server) serveValues(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	w.Header().Set("Content-Type", "application/json")
	fail := func(err error) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "error", "errorType": "bad_data", "error": err.Error()})
	}
	q, err := s.db.Querier(moment(r, "start").UnixMilli(), moment(r, "end").UnixMilli())
	if err != nil {
		fail(err)
		return
	}
	defer q.Close()
	all := []string{}
	for _, text := range r.Form["match[]"] {
		matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(text)
		if err != nil {
			fail(err)
			return
		}
		values, _, err := q.LabelValues(r.Context(), model.UnescapeName(r.PathValue("name"), model.ValueEncodingEscaping), nil, matchers...)
		if err != nil {
			fail(err)
			return
		}
		all = append(all, values...)
	}
	slices.Sort(all)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": slices.Compact(all)})
}
