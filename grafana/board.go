package main

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// board builds a dashboard.
type board struct {
	uid     string
	builder *dashboard.DashboardBuilder
	// marks are annotations at times that are values of series. The builders do not support
	// them.
	marks []mark
}

// mark is an annotation at each value of expr, a time in milliseconds.
type mark struct {
	Name        string         `json:"name"`
	Datasource  map[string]any `json:"datasource"`
	Enable      bool           `json:"enable"`
	IconColor   string         `json:"iconColor"`
	Expr        string         `json:"expr"`
	TitleFormat string         `json:"titleFormat"`
	TextFormat  string         `json:"textFormat"`
	UseValue    bool           `json:"useValueForTime"`
}

// datasource is the one chosen by the variable of the dashboard.
var datasource = common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}

func newBoard(c config, uid, title, description string) board {
	b := dashboard.NewDashboardBuilder(title).
		Uid(uid).
		Description(description).
		Tags(c.Tags).
		Readonly().
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Refresh("1m").
		Time("now-24h", "now").
		Timezone(common.TimeZoneBrowser).
		Link(dashboard.NewDashboardLinkBuilder("gorowatch").
			Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{c.Tags[0]}).
			KeepTime(true).
			IncludeVars(true)).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").
			Label("Data source").
			Type("prometheus"))
	return board{uid: uid, builder: b}
}

// variable adds a choice among the values of a label.
func (b board) variable(name, label, query string, several bool) board {
	v := dashboard.NewQueryVariableBuilder(name).
		Label(label).
		Datasource(datasource).
		Query(dashboard.StringOrMap{String: &query}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc)
	if several {
		// "All" includes series without the label.
		v = v.Multi(true).IncludeAll(true).AllValue(".*").Current(dashboard.VariableOption{
			Text:  dashboard.StringOrArrayOfString{String: new("All")},
			Value: dashboard.StringOrArrayOfString{String: new("$__all")},
		})
	}
	b.builder.WithVariable(v)
	return b
}

// pages adds the variable with the address of gorowatch's pages.
func (b board) pages(c config) board {
	b.builder.WithVariable(dashboard.NewTextBoxVariableBuilder("gorowatch").
		Label("Pages of gorowatch").
		DefaultValue(dashboard.StringOrMap{String: &c.URL}))
	return b
}

func (b board) row(title string) { b.builder.WithRow(dashboard.NewRowBuilder(title)) }

// query is an expression with the legend of its series.
type query struct{ expr, legend string }

func (q query) target(ref int) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().
		Datasource(datasource).
		Expr(q.expr).
		LegendFormat(q.legend).
		RefId(string(rune('A' + ref)))
}

// graph adds a panel of lines over time, a third of the width.
func (b board) graph(title, description, unit string, queries ...query) {
	b.lines(8, title, description, unit, queries...)
}

// wide adds a graph of the whole width.
func (b board) wide(title, description, unit string, queries ...query) {
	b.lines(24, title, description, unit, queries...)
}

func (b board) lines(span uint32, title, description, unit string, queries ...query) {
	p := timeseries.NewPanelBuilder().
		Title(title).Description(description).Datasource(datasource).
		Unit(unit).Min(0).Span(span).Height(8).
		LineWidth(1).FillOpacity(8).
		ShowPoints(common.VisibilityModeNever).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom))
	for i, q := range queries {
		p = p.WithTarget(q.target(i))
	}
	b.builder.WithPanel(p)
}

// number adds the current value in large type.
func (b board) number(title, description, unit, expr string) {
	b.builder.WithPanel(stat.NewPanelBuilder().
		Title(title).Description(description).Datasource(datasource).
		Unit(unit).Span(6).Height(4).
		GraphMode(common.BigValueGraphModeArea).
		ColorMode(common.BigValueColorModeNone).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		WithTarget(query{expr, ""}.target(0)))
}

// evidence lists the words for the values of gorowatch_leak_evidence.
var evidence = []string{1: "growth", 2: "stack", 3: "aged", 4: "proven"}

// column is a number in each row of a table. The unit is one of Grafana's, or "evidence".
type column struct{ title, unit, expr string }

// fieldLink makes the values of a field of a table lead to a URL.
type fieldLink struct{ field, title, url string }

// list adds a table of the present values, joined by the labels that the series share.
func (b board) list(title, description string, links []fieldLink, columns ...column) {
	p := table.NewPanelBuilder().
		Title(title).Description(description).Datasource(datasource).
		Span(24).Height(9).
		WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}})
	names := map[string]any{}
	for i, c := range columns {
		q := query{expr: c.expr}.target(i)
		p = p.WithTarget(q.Instant().Format(prometheus.PromQueryFormatTable))
		field := "Value #" + string(rune('A'+i))
		names[field] = c.title
		property := dashboard.DynamicConfigValue{Id: "unit", Value: c.unit}
		if c.unit == "evidence" {
			words := map[string]any{}
			for value, word := range evidence {
				if word != "" {
					words[strconv.Itoa(value)] = map[string]any{"text": word, "index": value}
				}
			}
			property = dashboard.DynamicConfigValue{Id: "mappings", Value: []map[string]any{{"type": "value", "options": words}}}
		}
		p = p.OverrideByName(c.title, []dashboard.DynamicConfigValue{property})
	}
	p = p.WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
		"excludeByName": map[string]any{"Time": true},
		"renameByName":  names,
	}})
	for _, l := range links {
		p = p.OverrideByName(l.field, []dashboard.DynamicConfigValue{{Id: "links", Value: []map[string]any{{
			"title": l.title, "url": l.url, "targetBlank": true,
		}}}})
	}
	b.builder.WithPanel(p)
}

// json returns the dashboard as Grafana reads it, with the marks.
func (b board) json() ([]byte, error) {
	d, err := b.builder.Build()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var open map[string]any
	if err := json.Unmarshal(text, &open); err != nil {
		return nil, err
	}
	list := []any{}
	if a, ok := open["annotations"].(map[string]any); ok && a["list"] != nil {
		list = a["list"].([]any)
	}
	for _, m := range b.marks {
		m.Datasource = map[string]any{"type": *datasource.Type, "uid": *datasource.Uid}
		m.Enable, m.UseValue = true, true
		list = append(list, m)
	}
	// Without ids, panels get new ones at every import, and links to a panel break.
	for i, p := range open["panels"].([]any) {
		p.(map[string]any)["id"] = i + 1
	}
	open["annotations"] = map[string]any{"list": list}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err = enc.Encode(open)
	return out.Bytes(), err
}
