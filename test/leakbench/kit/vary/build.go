package vary

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/types"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Variable is the environment variable that says which numbers a build changes: index=value,
// separated by commas.
const Variable = "LEAKBENCH_NUMBERS"

// Environment returns the entry of the environment that changes numbers, by index.
func Environment(values map[int]float64) string {
	var list []string
	for _, i := range slices.Sorted(maps.Keys(values)) {
		list = append(list, strconv.Itoa(i)+"="+strconv.FormatFloat(values[i], 'g', -1, 64))
	}
	return Variable + "=" + strings.Join(list, ",")
}

// edit replaces a part of a file.
type edit struct {
	from, to int
	text     string
	imported string // a constant of an import that has to stay used
}

// Build compiles the program with all numbers but the fixed ones as variables, which it reads
// from the environment. The sources stay as they are: out holds an overlay. args are further
// arguments of `go build`.
func (p *Program) Build(out, binary string, args ...string) error {
	edits := map[string][]edit{}
	declared := map[*source]map[string]string{} // by the name of the variable
	imports := map[*source]map[string]bool{}
	for i, n := range p.Numbers {
		if n.Fixed {
			continue
		}
		for _, at := range n.places {
			if declared[at.pkg] == nil {
				declared[at.pkg], imports[at.pkg] = map[string]string{}, map[string]bool{}
			}
			typ := types.TypeString(at.typ, func(pkg *types.Package) string {
				if pkg.Path() == at.pkg.path {
					return ""
				}
				imports[at.pkg][pkg.Path()] = true
				return pkg.Name()
			})
			name := fmt.Sprintf("varied%d%s", i, strings.ReplaceAll(typ, ".", ""))
			declared[at.pkg][name] = fmt.Sprintf("var %s = %s(varied(%d, %s))\n", name, typ, i, strconv.FormatFloat(n.Value, 'g', -1, 64))
			edits[at.file] = append(edits[at.file], edit{at.from, at.to, name, at.imported})
		}
	}
	o := overlay{out: out, Replace: map[string]string{}}
	for file, list := range edits {
		if err := o.change(file, list); err != nil {
			return err
		}
	}
	for pkg, lines := range declared {
		var b strings.Builder
		fmt.Fprintf(&b, "package %s\n", pkg.name)
		for _, path := range slices.Sorted(maps.Keys(imports[pkg])) {
			fmt.Fprintf(&b, "import %q\n", path)
		}
		fmt.Fprintf(&b, reader, Variable)
		for _, name := range slices.Sorted(maps.Keys(lines)) {
			b.WriteString(lines[name])
		}
		if err := o.store(filepath.Join(pkg.dir, "leakbench_varied.go"), b.String()); err != nil {
			return err
		}
	}
	return p.compile(o, binary, args)
}

// reader is the code that reads the changed number.
const reader = `
import leakbenchos "os"
import leakbenchstrconv "strconv"
import leakbenchstrings "strings"

func varied(i int, value float64) float64 {
	for _, entry := range leakbenchstrings.Split(leakbenchos.Getenv(%q), ",") {
		name, text, ok := leakbenchstrings.Cut(entry, "=")
		if ok && name == leakbenchstrconv.Itoa(i) {
			if x, err := leakbenchstrconv.ParseFloat(text, 64); err == nil {
				return x
			}
		}
	}
	return value
}

`

// BuildWith compiles the program with another value for the i-th number, as a constant.
func (p *Program) BuildWith(i int, value float64, out, binary string, args ...string) error {
	n := p.Numbers[i]
	o := overlay{out: out, Replace: map[string]string{}}
	if err := o.change(n.File, []edit{{from: n.from, to: n.to, text: strconv.FormatFloat(value, 'f', -1, 64)}}); err != nil {
		return err
	}
	return p.compile(o, binary, args)
}

// overlay is what `go build -overlay` reads.
type overlay struct {
	out     string
	Replace map[string]string // by file
}

// change makes edits of a file.
func (o *overlay) change(file string, edits []edit) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.Write(text[at:e.from])
		b.WriteString(e.text)
		at = e.to
	}
	b.Write(text[at:])
	for _, e := range edits {
		if e.imported != "" {
			fmt.Fprintf(&b, "\nconst _ = %s\n", e.imported)
		}
	}
	return o.store(file, b.String())
}

// store puts a text in place of a file.
func (o *overlay) store(file, text string) error {
	changed := filepath.Join(o.out, strconv.Itoa(len(o.Replace))+".go")
	o.Replace[file] = changed
	return os.WriteFile(changed, []byte(text), 0o666)
}

func (p *Program) compile(o overlay, binary string, args []string) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	file := filepath.Join(o.out, "overlay.json")
	if err := os.WriteFile(file, text, 0o666); err != nil {
		return err
	}
	cmd := exec.Command("go", slices.Concat([]string{"build", "-buildvcs=false", "-overlay", file, "-o", binary}, args, []string{"./" + filepath.ToSlash(p.main)})...)
	cmd.Dir = p.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}
