package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

const museum = ".."

func cases(t *testing.T) *Museum {
	t.Helper()
	m, err := load(museum)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Each case has a program, and each program is a case.
func TestCasesArePrograms(t *testing.T) {
	m := cases(t)
	jobs := map[string]bool{"prometheus": true}
	for folder, list := range map[string][]Case{"leaks": m.Leaks, "healthy": m.Healthy} {
		programs := map[string]bool{}
		entries, err := os.ReadDir(filepath.Join(museum, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			programs[entry.Name()] = true
		}
		for _, c := range list {
			if c.Server == "" && !programs[c.Name] {
				t.Errorf("%s: cases.yaml has it, and %s/ has not", c.Name, folder)
			}
			delete(programs, c.Name)
			if jobs[c.Name] {
				t.Errorf("%s: two cases have this name", c.Name)
			}
			jobs[c.Name] = true
			if c.Rate <= 0 {
				t.Errorf("%s: rate %d", c.Name, c.Rate)
			}
			if folder == "healthy" && c.Why == "" {
				t.Errorf("%s: no why", c.Name)
			}
			if folder == "leaks" && (c.Function == "" || c.Caller == "" || c.Operation == "" || c.Issue == "" || c.Fix == "" || len(c.Hint) == 0) {
				t.Errorf("%s: function, caller, operation, issue, fix and hint are all wanted", c.Name)
			}
		}
		for name := range programs {
			t.Errorf("%s/%s is in no case", folder, name)
		}
	}
}

// required returns the modules of a go.mod, with their versions.
func required(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(museum, name))
	if err != nil {
		t.Fatal(err)
	}
	file, err := modfile.Parse(name, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, r := range file.Require {
		versions[r.Mod.Path] = r.Mod.Version
	}
	return versions
}

// Both forms of a library are built in the versions that cases.yaml names: no dependency of
// another case has raised one.
func TestVersions(t *testing.T) {
	leaks, twins := required(t, "go.mod"), required(t, "fixed.mod")
	for _, c := range cases(t).Leaks {
		if c.Module == "" {
			continue
		}
		if leaks[c.Module] != c.Version {
			t.Errorf("%s: go.mod has %s %s, cases.yaml %s", c.Name, c.Module, leaks[c.Module], c.Version)
		}
		fixed := c.Fixed
		if fixed == "" {
			fixed = c.Version
		}
		if twins[c.Module] != fixed {
			t.Errorf("%s: fixed.mod has %s %s, cases.yaml %s (run ./fixed.sh)", c.Name, c.Module, twins[c.Module], fixed)
		}
	}
}

func TestReadmeHasTheTables(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(museum, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := withTables(readme, cases(t))
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(readme) {
		t.Error("the tables of README.md are old: go run ./run -readme")
	}
}

// The page of the evidence matches its data.
func TestEvidencePage(t *testing.T) {
	docs := filepath.Join(repository(), "docs")
	for _, name := range pageNames {
		e, err := readEvidence(filepath.Join(docs, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(filepath.Join(docs, name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		if string(page) != e.markdown(name) {
			t.Errorf("docs/%[1]s.md is not what docs/%[1]s.json says: go run ./run -page", name)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		text, function string
		want           bool
	}{
		{"leaks in lumberjack.v2.(*Logger).millRun (lumberjack.go:379)", "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun", true},
		{"leaks in lumberjack%2ev2.(*Logger).millRun (lumberjack.go:379)", "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun", true},
		{"leaks in lumberjack.v2.(*Logger).Close", "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun", false},
		{"main.(*shop).quote.func2", "main.(*shop).quote.func1", true},
		{"expirable.NewLRU.func1", "github.com/hashicorp/golang-lru/v2/expirable.NewLRU[...].func1", true},
		{"anything", "", false},
	} {
		if got := names(c.text, c.function); got != c.want {
			t.Errorf("names(%q, %q) = %t", c.text, c.function, got)
		}
	}
}

func TestDump(t *testing.T) {
	d := parse(strings.Join([]string{
		"goroutine 7 [chan send, 12 minutes]:", "main.(*shop).quote.func1()", "\t/src/main.go:12 +0x1",
		"created by main.(*shop).quote in goroutine 9", "\t/src/main.go:10 +0x2", "",
		"goroutine 8 [running]:", "runtime/pprof.writeGoroutineStacks({0x1, 0x2})", "\t/go/pprof.go:1", "",
	}, "\n"))
	if len(d) != 2 {
		t.Fatalf("%d goroutines", len(d))
	}
	for _, function := range []string{"main.(*shop).quote.func1", "main.(*shop).quote"} {
		if n, states := d.count(function); n != 1 || states["chan send"] != 1 {
			t.Errorf("%s: %d %v", function, n, states)
		}
	}
}

// Nothing of the museum may be part of the product.
func TestModuleStandsAlone(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "./...")
	cmd.Dir = museum
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "github.com/gorowatch/gorowatch/") && !strings.HasPrefix(line, "github.com/gorowatch/gorowatch/test/museum") {
			t.Errorf("the museum imports %s", line)
		}
	}
}

// A mark applies to the hint that was read, and to no other.
func TestMarks(t *testing.T) {
	dir := t.TempDir()
	text := "ants: {hint: \"close it.\", mark: \"true\"}\nsse: {hint: \"read it.\", mark: it was read}\n"
	if err := os.WriteFile(filepath.Join(dir, "hints.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	e := &Evidence{Findings: []Finding{
		{Case: Case{Name: "ants"}, Kind: "leak", HintText: "close it."}, {Case: Case{Name: "ants"}, Kind: "twin", HintText: "close it."},
		{Case: Case{Name: "sse"}, Kind: "leak", HintText: "other words."}, {Case: Case{Name: "cron"}, Kind: "leak"},
	}}
	if err := e.mark(dir); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"true", "", "", ""} {
		if got := e.Findings[i].HintMark; got != want {
			t.Errorf("finding %d: %q, want %q", i, got, want)
		}
	}
	if _, err := marks(museum); err != nil {
		t.Error(err)
	}
}
