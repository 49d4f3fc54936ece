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

// board is a dashboard that is being written.
type board struct {
	uid     string
	builder *dashboard.DashboardBuilder
	// marks are annotations at the times that are the values of series, which
	// the builders do not know.
	marks []mark
}

// mark is an annotation at each time, in milliseconds, that is a value of expr.
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

// datasource is the one that the dashboard's variable says.
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

// variable is a choice of the values that a label has.
func (b board) variable(name, label, query string, several bool) board {
	v := dashboard.NewQueryVariableBuilder(name).
		Label(label).
		Datasource(datasource).
		Query(dashboard.StringOrMap{String: &query}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc)
	if several {
		// What has no such label is among all.
		v = v.Multi(true).IncludeAll(true).AllValue(".*").Current(dashboard.VariableOption{
			Text:  dashboard.StringOrArrayOfString{String: new("All")},
			Value: dashboard.StringOrArrayOfString{String: new("$__all")},
		})
	}
	b.builder.WithVariable(v)
	return b
}

// pages is where gorowatch's own pages are.
func (b board) pages(c config) board {
	b.builder.WithVariable(dashboard.NewTextBoxVariableBuilder("gorowatch").
		Label("Pages of gorowatch").
		DefaultValue(dashboard.StringOrMap{String: &c.URL}))
	return b
}

func (b board) row(title string) { b.builder.WithRow(dashboard.NewRowBuilder(title)) }

// query is an expression and what its series are called.
type query struct{ expr, legend string }

func (q query) target(ref int) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().
		Datasource(datasource).
		Expr(q.expr).
		LegendFormat(q.legend).
		RefId(string(rune('A' + ref)))
}

// graph is a panel of lines over time, a third of the width.
func (b board) graph(title, description, unit string, queries ...query) {
	b.lines(8, title, description, unit, queries...)
}

// wide is a graph of the whole width.
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

// number is the value of now, large.
func (b board) number(title, description, unit, expr string) {
	b.builder.WithPanel(stat.NewPanelBuilder().
		Title(title).Description(description).Datasource(datasource).
		Unit(unit).Span(6).Height(4).
		GraphMode(common.BigValueGraphModeArea).
		ColorMode(common.BigValueColorModeNone).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		WithTarget(query{expr, ""}.target(0)))
}

// evidence are the words for the values of gorowatch_leak_evidence.
var evidence = []string{1: "growth", 2: "stack", 3: "aged", 4: "proven"}

// column is one number of each row of a table, in a unit of Grafana's, or
// "evidence".
type column struct{ title, unit, expr string }

// list is a table of what is now, joined by what the series have in common; the
// values of the field link lead to url.
func (b board) list(title, description, link, url string, columns ...column) {
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
	if link != "" {
		p = p.OverrideByName(link, []dashboard.DynamicConfigValue{{Id: "links", Value: []map[string]any{{
			"title": "The page of this leak", "url": url, "targetBlank": true,
		}}}})
	}
	b.builder.WithPanel(p)
}

// json is the dashboard as Grafana reads it, with the marks put in.
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
	// Panels without ids of their own get new ones at every import, and links to
	// a panel lead nowhere.
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
