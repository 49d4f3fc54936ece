package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// write writes a page and its data to a folder, or the page to standard output.
func (e *Evidence) write(docs, name string) error {
	if docs == "" {
		_, err := os.Stdout.WriteString(e.markdown(name))
		return err
	}
	if err := os.MkdirAll(docs, 0o755); err != nil {
		return err
	}
	if err := e.writeJSON(filepath.Join(docs, name+".json")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, name+".md"), []byte(e.markdown(name)), 0o644)
}

// pageNames are the names of the pages in docs.
var pageNames = []string{"evidence"}

// of returns the findings of a kind.
func (e *Evidence) of(kind string) (found []Finding) {
	for _, f := range e.Findings {
		if f.Kind == kind {
			found = append(found, f)
		}
	}
	return found
}

// count returns how many findings satisfy has.
func count(found []Finding, has func(Finding) bool) (n int) {
	for _, f := range found {
		if has(f) {
			n++
		}
	}
	return n
}

func alerted(f Finding) bool { return f.Alerted }

// percent returns a share in words.
func percent(part, of int) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%d of %d (%d %%)", part, of, (100*part+of/2)/of)
}

func (e *Evidence) markdown(name string) string {
	var b strings.Builder
	leaks, twins, healthy := e.of("leak"), e.of("twin"), e.of("healthy")
	found := slices.DeleteFunc(slices.Clone(leaks), func(f Finding) bool { return !f.Alerted })
	fmt.Fprintf(&b, "# Evidence\n\n")
	quiet := percent(count(twins, alerted), len(twins)) + " of the fixed twins and on "
	if len(twins) == 0 {
		quiet = "" // they were left out
	}
	fmt.Fprintf(&b, "gorowatch %s found %s of the museum's leaks in %s, and alerted on %s%s of the healthy programs.\n",
		e.Version, percent(len(found), len(leaks)), e.Life, quiet, percent(count(healthy, alerted), len(healthy)))
	fmt.Fprintf(&b, "This page is written by `make museum`; do not edit it. What the alerts said is in its data, [%[1]s.json](%[1]s.json).\n\n", name)
	fmt.Fprintf(&b, "The [museum](../test/museum/README.md) is programs that leak as services do, most by a bug or a common misuse of a released library, as it was reported in public. Each runs beside a twin without the bug, and beside healthy programs that look like a leak, under a load that goes up and down. A real Prometheus scrapes them every 15 s, and one gorowatch watches them.\n\n")
	if e.Speed == 1 {
		fmt.Fprintf(&b, "Run of %s, in real time, at default settings.\n\n", e.Time.Format("2006-01-02 15:04 UTC"))
	} else {
		fmt.Fprintf(&b, "Run of %s at %g times the speed of life: rates and waits of the programs, scrapes, `trend.base`, the evaluation interval and the intervals and CPU budget of profiles were all scaled by it. Minutes are minutes of life; rates that alerts tell are per hour of the clock. What does not scale is the time that a goroutine has waited: Go tells it in whole minutes of the clock, so that the evidence `aged` is seen later here than in life.\n\n",
			e.Time.Format("2006-01-02 15:04 UTC"), e.Speed)
	}
	if e.Note != "" {
		fmt.Fprintf(&b, "%s\n\n", e.Note)
	}
	fmt.Fprintf(&b, "| | |\n|---|---|\n")
	fmt.Fprintf(&b, "| leaks alerted | %s |\n", percent(len(found), len(leaks)))
	fmt.Fprintf(&b, "| within an hour, of those with at least 60 an hour | %s |\n", percent(count(found, func(f Finding) bool { return f.Minutes <= 60 }), len(leaks)))
	if len(found) > 0 {
		minutes := make([]float64, len(found))
		for i, f := range found {
			minutes[i] = f.Minutes
		}
		slices.Sort(minutes)
		fmt.Fprintf(&b, "| minutes to the alert, median (range) | %.0f (%.0f to %.0f) |\n", minutes[len(minutes)/2], minutes[0], minutes[len(minutes)-1])
	}
	fmt.Fprintf(&b, "| leaking function in the summary | %s |\n", percent(count(found, func(f Finding) bool { return f.FunctionFirst }), len(found)))
	fmt.Fprintf(&b, "| leaking function anywhere in the alert | %s |\n", percent(count(found, func(f Finding) bool { return f.FunctionNamed }), len(found)))
	fmt.Fprintf(&b, "| caller in the user's program named | %s |\n", percent(count(found, func(f Finding) bool { return f.CallerNamed }), len(found)))
	held := slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return f.Culprit == "" })
	fmt.Fprintf(&b, "| culprit named, where one goroutine holds up all others | %s |\n", percent(count(held, func(f Finding) bool { return f.CulpritNamed }), len(held)))
	fmt.Fprintf(&b, "| a hint is shown | %s |\n", percent(count(found, func(f Finding) bool { return f.HintText != "" }), len(found)))
	fmt.Fprintf(&b, "| the hint has a word of the fix | %s |\n", percent(count(found, func(f Finding) bool { return f.HintTrue }), len(found)))
	if read := slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return f.HintMark == "" }); len(read) > 0 {
		fmt.Fprintf(&b, "| the hint is true, as somebody has read each beside its case (%d of %d read) | %s |\n",
			len(read), len(found), percent(count(read, func(f Finding) bool { return f.HintMark == "true" }), len(read)))
	}
	fmt.Fprintf(&b, "| twins alerted | %s |\n", percent(count(twins, alerted), len(twins)))
	fmt.Fprintf(&b, "| healthy programs alerted | %s |\n\n", percent(count(healthy, alerted), len(healthy)))

	fmt.Fprintf(&b, "## Leaks\n\n\"Named\" says whether the last alert named the leaking function (F: in its summary, f: elsewhere), the caller in the user's program (C), and the goroutine that holds up the others (H); a dash stands for what was not named, and a blank for what there is not. Pulls are profiles that the program was asked for, with the milliseconds that they took it.\n\n")
	fmt.Fprintf(&b, "| case | an hour | minutes | evidence | named | hint, or *the verdict* where there was no alert | pulls |\n|---|---|---|---|---|---|---|\n")
	for _, f := range leaks {
		minutes := "never"
		if f.Alerted {
			minutes = fmt.Sprintf("%.0f", f.Minutes)
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s | %.0f (%.0f ms) |\n", f.Name, f.Rate, minutes, progress(f), named(f), cell(remark(f)), f.Pulls, 1000*f.PullSeconds)
	}
	fmt.Fprintf(&b, "\n## Twins that were alerted\n\n")
	listAlerts(&b, twins)
	fmt.Fprintf(&b, "\n## Healthy programs\n\n| program | like a leak because of | goroutines at the end | what was said |\n|---|---|---|---|\n")
	for _, f := range healthy {
		said := "nothing"
		if f.Alerted {
			said = fmt.Sprintf("after %.0f minutes, %s: %s", f.Minutes, progress(f), cell(f.Alerts[0].Annotations["summary"]))
		}
		fmt.Fprintf(&b, "| %s | %s | %.0f | %s |\n", f.Name, f.Why, f.Goroutines, said)
	}
	fmt.Fprintf(&b, "\n## Again\n\n```sh\nmake museum                    # two hours in real time\nmake museum SPEED=8            # the same in 15 minutes\nmake museum-data               # keeps series, profiles and truth in dist/museum-data\ngorowatch scan --tsdb.path=dist/museum-data/tsdb --profiles=file://$PWD/dist/museum-data/bucket\n```\n")
	return b.String()
}

// remark returns the hint of an alert, or why there was none.
func remark(f Finding) string {
	if f.Alerted {
		if f.HintMark != "" && f.HintMark != "true" {
			return f.HintText + " **" + f.HintMark + "**"
		}
		return f.HintText
	}
	return "*" + f.Verdict + "*"
}

// progress returns the evidence of the first alert, and the final one.
func progress(f Finding) string {
	if f.Evidence == f.EvidenceFirst {
		return f.Evidence
	}
	return f.EvidenceFirst + " → " + f.Evidence
}

func named(f Finding) string {
	if !f.Alerted {
		return ""
	}
	mark := func(is bool, letter string) string {
		if is {
			return letter
		}
		return "–"
	}
	function := mark(f.FunctionNamed, "f")
	if f.FunctionFirst {
		function = "F"
	}
	text := function + " " + mark(f.CallerNamed, "C")
	if f.Culprit != "" {
		text += " " + mark(f.CulpritNamed, "H")
	}
	return text
}

// cell escapes a text for a table.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(strings.TrimSpace(text))
}

func listAlerts(b *strings.Builder, found []Finding) {
	none := true
	for _, f := range found {
		if f.Alerted {
			none = false
			fmt.Fprintf(b, "- %s, after %.0f minutes, %s: %s\n", f.Name, f.Minutes, progress(f), cell(f.Alerts[0].Annotations["summary"]))
		}
	}
	if none {
		fmt.Fprintf(b, "None.\n")
	}
}
