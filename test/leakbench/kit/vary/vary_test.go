package vary

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// toy is a program whose numbers are found and changed.
var toy = map[string]string{
	"go.mod": "module toy\n\ngo 1.26\n",
	"main.go": `package main

import (
	"fmt"
	"toy/rules"
)

func main() { fmt.Println(rules.Rules(), rules.Least, rules.Most()) }
`,
	"rules/rules.go": `package rules

import "time"

const (
	Least = 5 // goroutines
	share = 1.0 / 4
	day   = 1440
	week  = 7 * day
	size  = 4
	zero  = 0
	name  = "x"
)

const (
	first kind = iota
	second
)

type kind uint8

const patience = 2 * time.Minute

type habit struct{ often, hours float64 }

var nap = habit{0.5, 2}

var rest = rare(8)

func rare(hours float64) habit { return habit{hours: hours} }

func Rules() string {
	const steps = 12
	var list [size]float32
	n := 0
	for range steps {
		n++
	}
	list[2] = Least
	eight := 8.0
	return text(list[2], share*eight, week*eight, n, patience*Least, nap, rest.hours, list[0] < 0.25, 3*n)
}
`,
	"limits/limits.go": "package limits\n\nconst Most = 7\n",
	"rules/most.go":    "package rules\n\nimport \"toy/limits\"\n\nfunc Most() int { return limits.Most }\n",
	"rules/text.go":    "package rules\n\nimport \"fmt\"\n\nfunc text(x ...any) string { return fmt.Sprint(x...) }\n",
}

func program(t *testing.T) *Program {
	t.Helper()
	root := t.TempDir()
	for name, text := range toy {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "")
	p, err := Load(root, ".", []string{"limits", "rules"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNumbers(t *testing.T) {
	var got []string
	for _, n := range program(t).Numbers {
		line := n.Name + " " + n.Text(n.Value) + " " + n.Text(n.Scaled(1.2))
		if n.Fixed {
			line += " fixed"
		}
		if n.InFunction {
			line += " in function"
		}
		got = append(got, line)
	}
	want := []string{
		"limits.Most 7 8",
		"rules.Least 5 6",
		"rules.share 0.25 0.3",
		"rules.day 1440 1728",
		"rules.week 1.008e+04 1.21e+04",
		"rules.size 4 5 fixed",
		"rules.patience 120 s 144 s",
		"rules.nap.often 0.5 0.6",
		"rules.nap.hours 2 2.4",
		"rules.rest.hours 8 9.6",
		"rules.Rules.steps 12 14",
		"rules.Rules:8.0 8 9.6 in function",
		"rules.Rules:0.25 0.25 0.3 in function",
		"rules.Rules:3 3 4 in function",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// One build shows what each number does; a number that has to be a constant takes its own.
func TestBuild(t *testing.T) {
	p := program(t)
	out := t.TempDir()
	binary := filepath.Join(out, "toy.exe")
	if err := p.Build(out, binary); err != nil {
		t.Fatal(err)
	}
	run := func(binary, environment string) string {
		cmd := exec.Command(binary)
		cmd.Env = append(os.Environ(), environment)
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatal(err, string(text))
		}
		return strings.TrimSpace(string(text))
	}
	index := func(name string) int {
		return slices.IndexFunc(p.Numbers, func(n *Number) bool { return n.Name == name })
	}
	want := map[string]string{
		"":                  "5 2 80640 12 10m0s {0.5 2} 8 true 36 5 7",
		"rules.Least":       "6 2 80640 12 12m0s {0.5 2} 8 true 36 5 7", // in the packages that were named
		"rules.share":       "5 2.4 80640 12 10m0s {0.5 2} 8 true 36 5 7",
		"rules.week":        "5 2 96768 12 10m0s {0.5 2} 8 true 36 5 7",
		"rules.patience":    "5 2 80640 12 12m0s {0.5 2} 8 true 36 5 7",
		"rules.nap.hours":   "5 2 80640 12 10m0s {0.5 2.4} 8 true 36 5 7",
		"rules.rest.hours":  "5 2 80640 12 10m0s {0.5 2} 9.6 true 36 5 7",
		"rules.Rules.steps": "5 2 80640 14 10m0s {0.5 2} 8 true 42 5 7",
		"limits.Most":       "5 2 80640 12 10m0s {0.5 2} 8 true 36 5 8",
		"rules.Rules:3":     "5 2 80640 12 10m0s {0.5 2} 8 true 48 5 7",
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		environment := ""
		if name != "" {
			i := index(name)
			environment = Environment(map[int]float64{i: p.Numbers[i].Scaled(1.2)})
		}
		if got := run(binary, environment); got != want[name] {
			t.Errorf("%s: got %s, want %s", name, got, want[name])
		}
	}
	both := Environment(map[int]float64{index("rules.week"): 1, index("rules.Rules:3"): 2})
	if got, want := run(binary, both), "5 2 8 12 10m0s {0.5 2} 8 true 24 5 7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	i := index("rules.Least")
	if err := p.BuildWith(i, 9, out, binary); err != nil {
		t.Fatal(err)
	}
	if got, want := run(binary, ""), fmt.Sprint("9 2 80640 12 18m0s {0.5 2} 8 true 36 9 7"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
