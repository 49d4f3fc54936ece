// Package vary changes the numbers in a program's source without a build for each change: one
// build reads the number to change, and its value, from the environment.
package vary

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// Number is a number in the source: a named constant, a number in the value of a package
// variable, or a number in a function.
type Number struct {
	// Name is package.constant, package.function.constant, package.variable.field, or
	// package.function:number.
	Name string
	// File and Line are where it is defined.
	File string
	Line int
	// Value is the number; Whole reports that it has to be a whole one.
	Value float64
	Whole bool
	// Unit is 1, or a second in nanoseconds for durations.
	Unit float64
	// Fixed reports that the language wants a constant in one of its places, e.g. as the
	// length of an array: such a number takes a build of its own.
	Fixed bool
	// InFunction reports that it has no name in the source.
	InFunction bool

	from, to int // of the text of its value in the file, in bytes
	places   []place
}

// place is where a number is used.
type place struct {
	pkg      *source
	file     string
	from, to int // bytes
	typ      types.Type
	imported string // the constant of another package, as it is written here
}

// source is a package.
type source struct {
	path, name, dir string
	files           []*ast.File
	names           []string // of the files
	types           *types.Package
	info            *types.Info
}

// Scaled returns the value times a factor. Whole numbers stay whole, and change by at least one.
func (n *Number) Scaled(factor float64) float64 {
	x := n.Value * factor
	if !n.Whole || n.Unit != 1 {
		return x
	}
	y := math.Round(x)
	if y == n.Value {
		y += math.Copysign(1, factor-1)
	}
	return y
}

// Text returns a value as people write it.
func (n *Number) Text(value float64) string {
	if n.Unit != 1 {
		return strconv.FormatFloat(value/n.Unit, 'g', 4, 64) + " s"
	}
	return strconv.FormatFloat(value, 'g', 4, 64)
}

// Program is a program whose numbers can be changed.
type Program struct {
	root, main string
	Numbers    []*Number
}

// Load finds the numbers in packages of a module. main is the package of the program, which
// imports them; both are relative to the folder of the module.
func Load(root, main string, packages []string) (*Program, error) {
	p := &Program{root: root, main: main}
	list, err := listed(root, main)
	if err != nil {
		return nil, err
	}
	exports := map[string]string{}
	for _, x := range list {
		exports[x.ImportPath] = x.Export
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	var sources []*source
	for _, x := range list {
		if x.Module.Dir == "" || !x.Module.Main {
			continue
		}
		rel, err := filepath.Rel(root, x.Dir)
		if err != nil || !slices.Contains(packages, filepath.ToSlash(rel)) {
			continue
		}
		s := &source{path: x.ImportPath, name: x.Name, dir: x.Dir, info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		}}
		for _, name := range x.GoFiles {
			file := filepath.Join(x.Dir, name)
			tree, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			s.files, s.names = append(s.files, tree), append(s.names, file)
		}
		conf := types.Config{Importer: imports}
		if s.types, err = conf.Check(x.ImportPath, fset, s.files, s.info); err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	if len(sources) != len(packages) {
		return nil, fmt.Errorf("%d of the packages %q are in %s", len(sources), packages, main)
	}
	f := finder{fset: fset, named: map[string]*Number{}}
	for _, s := range sources {
		f.define(s)
	}
	for _, s := range sources {
		f.use(s)
	}
	p.Numbers = f.numbers
	return p, nil
}

// build is a package as `go list` shows it.
type build struct {
	ImportPath, Name, Dir, Export string
	GoFiles                       []string
	Module                        struct {
		Dir  string
		Main bool
	}
}

// listed lists a package and all that it imports, compiled.
func listed(root, main string) (list []build, err error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Name,Dir,Export,GoFiles,Module", "./"+filepath.ToSlash(main))
	cmd.Dir = root
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.String())
	}
	for d := json.NewDecoder(&stdout); ; {
		var x build
		switch err := d.Decode(&x); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		}
		list = append(list, x)
	}
}

// finder finds the numbers of packages.
type finder struct {
	fset    *token.FileSet
	numbers []*Number
	// named are the constants by package and name, or by position within a function.
	named map[string]*Number
}

// key identifies a constant in all packages that use it.
func (f *finder) key(c types.Object) string {
	if c.Parent() == c.Pkg().Scope() {
		return c.Pkg().Path() + "." + c.Name()
	}
	return f.fset.Position(c.Pos()).String()
}

// define finds the numbers that have a name: constants, and the values of variables.
func (f *finder) define(s *source) {
	for i, tree := range s.files {
		for _, d := range tree.Decls {
			function := ""
			if fn, ok := d.(*ast.FuncDecl); ok {
				function = fn.Name.Name + "."
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if n, ok := n.(*ast.GenDecl); ok && n.Tok == token.CONST {
					f.constants(s, s.names[i], function, n)
				}
				return true
			})
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				f.variables(s, s.names[i], g)
			}
		}
	}
}

// variables defines the numbers in the values of package variables.
func (f *finder) variables(s *source, file string, d *ast.GenDecl) {
	for _, x := range d.Specs {
		spec := x.(*ast.ValueSpec)
		for i, value := range spec.Values {
			if i < len(spec.Names) {
				f.value(s, file, s.name+"."+spec.Names[i].Name, value)
			}
		}
	}
}

// constants defines the numbers of a declaration of constants. Those of an enumeration are none.
func (f *finder) constants(s *source, file, function string, d *ast.GenDecl) {
	for _, x := range d.Specs {
		spec := x.(*ast.ValueSpec)
		for i, name := range spec.Names {
			c, ok := s.info.Defs[name].(*types.Const)
			if !ok || i >= len(spec.Values) || usesIota(spec.Values[i]) {
				continue
			}
			n := f.number(s, file, s.name+"."+function+name.Name, spec.Values[i], c.Val(), c.Type())
			if n != nil {
				f.named[f.key(c)] = n
			}
		}
	}
}

func usesIota(e ast.Expr) (uses bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		uses = uses || ok && id.Name == "iota"
		return true
	})
	return uses
}

// number adds a number, if a constant value is one and not 0.
func (f *finder) number(s *source, file, name string, e ast.Expr, value constant.Value, typ types.Type) *Number {
	if value == nil || value.Kind() != constant.Int && value.Kind() != constant.Float {
		return nil
	}
	x, _ := constant.Float64Val(value)
	if x == 0 {
		return nil
	}
	at := f.fset.Position(e.Pos())
	n := &Number{Name: name, File: file, Line: at.Line, Value: x, Unit: 1, from: at.Offset, to: f.fset.Position(e.End()).Offset}
	basic, ok := typ.Underlying().(*types.Basic)
	n.Whole = ok && basic.Info()&types.IsInteger != 0
	if typ.String() == "time.Duration" {
		n.Unit = 1e9
	}
	f.numbers = append(f.numbers, n)
	return n
}

// value finds the numbers in the value of a variable.
func (f *finder) value(s *source, file, name string, e ast.Expr) {
	switch e := e.(type) {
	case *ast.FuncLit: // no value
	case *ast.CompositeLit:
		fields, _ := s.info.Types[e].Type.Underlying().(*types.Struct)
		for i, x := range e.Elts {
			element := fmt.Sprintf("%s[%d]", name, i)
			if pair, ok := x.(*ast.KeyValueExpr); ok {
				if key, ok := pair.Key.(*ast.Ident); ok {
					element = name + "." + key.Name
				}
				x = pair.Value
			} else if fields != nil {
				element = name + "." + fields.Field(i).Name()
			}
			f.value(s, file, element, x)
		}
	case *ast.BasicLit:
		t := s.info.Types[e]
		if n := f.number(s, file, name, e, t.Value, t.Type); n != nil {
			n.places = append(n.places, f.place(s, file, e, t.Type))
		}
	case *ast.UnaryExpr:
		f.value(s, file, name, e.X)
	case *ast.CallExpr:
		if of, ok := s.info.Types[e.Fun].Type.(*types.Signature); ok && !of.Variadic() {
			for i, x := range e.Args {
				f.value(s, file, name+"."+of.Params().At(i).Name(), x)
			}
		}
	}
}

func (f *finder) place(s *source, file string, e ast.Expr, typ types.Type) place {
	return place{pkg: s, file: file, from: f.fset.Position(e.Pos()).Offset, to: f.fset.Position(e.End()).Offset, typ: typ}
}

// use finds where the named constants are used, and the numbers in functions.
func (f *finder) use(s *source) {
	for i, tree := range s.files {
		w := walk{finder: f, s: s, file: s.names[i], seen: map[string]int{}}
		for _, d := range tree.Decls {
			w.function = ""
			if fn, ok := d.(*ast.FuncDecl); ok {
				w.function = fn.Name.Name
			}
			w.node(d, false)
		}
	}
}

// walk is the way through a file.
type walk struct {
	*finder
	s              *source
	file, function string
	seen           map[string]int // numbers of a function, by name
}

// node looks at a node. fixed reports that only a constant may stand there.
func (w *walk) node(n ast.Node, fixed bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			if n.Tok == token.CONST {
				return false // what constants are made of: each is a number of its own
			}
		case *ast.ArrayType:
			if n.Len != nil {
				w.node(n.Len, true)
			}
			w.node(n.Elt, fixed)
			return false
		case *ast.IndexExpr:
			w.node(n.X, fixed)
			if _, ok := n.Index.(*ast.BasicLit); !ok {
				w.node(n.Index, fixed)
			}
			return false
		case *ast.BinaryExpr:
			if n.Op == token.SHL || n.Op == token.SHR {
				w.node(n.X, true)
				w.node(n.Y, true)
				return false
			}
		case *ast.SelectorExpr:
			if c, ok := w.s.info.Uses[n.Sel].(*types.Const); ok {
				w.used(c, n, fixed)
				return false
			}
		case *ast.Ident:
			if c, ok := w.s.info.Uses[n].(*types.Const); ok {
				w.used(c, n, fixed)
			}
		case *ast.BasicLit:
			w.literal(n, fixed)
		}
		return true
	})
}

// used notes a use of a constant.
func (w *walk) used(c *types.Const, e ast.Expr, fixed bool) {
	if c.Pkg() == nil {
		return
	}
	n := w.named[w.key(c)]
	if n == nil {
		return
	}
	typ := w.s.info.Types[e].Type
	if fixed || !writable(typ) {
		n.Fixed = true
		return
	}
	at := w.place(w.s, w.file, e, typ)
	if x, ok := e.(*ast.SelectorExpr); ok {
		at.imported = x.X.(*ast.Ident).Name + "." + x.Sel.Name
	}
	n.places = append(n.places, at)
}

// literal notes a number in a function. 1 is hardly ever a choice.
func (w *walk) literal(e *ast.BasicLit, fixed bool) {
	t := w.s.info.Types[e]
	if e.Kind != token.INT && e.Kind != token.FLOAT || w.function == "" || fixed || t.Value == nil || t.Type == nil || !writable(t.Type) {
		return
	}
	if x, _ := constant.Float64Val(t.Value); x == 1 {
		return
	}
	name := w.s.name + "." + w.function + ":" + e.Value
	w.seen[name]++
	if n := w.seen[name]; n > 1 {
		name += "#" + strconv.Itoa(n)
	}
	if n := w.number(w.s, w.file, name, e, t.Value, t.Type); n != nil {
		n.InFunction = true
		n.places = append(n.places, w.place(w.s, w.file, e, t.Type))
	}
}

// writable reports whether a variable of a type can be declared beside the code that uses it.
func writable(t types.Type) bool {
	switch t := t.(type) {
	case *types.Basic:
		return t.Info()&types.IsNumeric != 0 && t.Info()&types.IsUntyped == 0
	case *types.Named:
		basic, ok := t.Underlying().(*types.Basic)
		return ok && basic.Info()&types.IsNumeric != 0 && t.Obj().Pkg() != nil && t.Obj().Parent() == t.Obj().Pkg().Scope()
	}
	return false
}
