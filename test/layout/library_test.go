package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/doc"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// libraries are the packages that programs outside of the module use, with all
// packages below them.
var libraries = []string{"alerting", "collector", "leak", "trend"}

// TestLibrariesAreUsableFromOutside: the exported part of a library has no type of an internal
// package, which nobody outside of the module could make.
func TestLibrariesAreUsableFromOutside(t *testing.T) {
	checked := 0
	for path, p := range libraryTypes(t) {
		for _, mention := range internalMentions(p) {
			t.Errorf("%s: %s", strings.TrimPrefix(path, module), mention)
		}
		checked++
	}
	require.Greater(t, checked, len(libraries))
}

// TestInternalMentionsAreFound checks the checker on a package that is not usable
// from outside.
func TestInternalMentionsAreFound(t *testing.T) {
	hidden := types.NewPackage(module+"internal/hidden", "hidden")
	secret := types.NewNamed(types.NewTypeName(token.NoPos, hidden, "Secret", nil), types.NewStruct(nil, nil), nil)
	open := types.NewPackage(module+"open", "open")
	field := func(name string, of types.Type) *types.Struct {
		return types.NewStruct([]*types.Var{types.NewField(token.NoPos, open, name, of, false)}, nil)
	}
	declare := func(name string, underlying types.Type) *types.Named {
		n := types.NewNamed(types.NewTypeName(token.NoPos, open, name, nil), underlying, nil)
		open.Scope().Insert(n.Obj())
		return n
	}
	declare("Private", field("secret", secret))
	require.Empty(t, internalMentions(open), "an unexported field is nobody's business")

	declare("Public", field("Secrets", types.NewMap(types.Typ[types.String], types.NewSlice(types.NewPointer(secret)))))
	helper := declare("helper", types.NewStruct(nil, nil))
	result := types.NewTuple(types.NewVar(token.NoPos, open, "", secret))
	receiver := types.NewVar(token.NoPos, open, "h", helper)
	helper.AddMethod(types.NewFunc(token.NoPos, open, "Reveal", types.NewSignatureType(receiver, nil, nil, nil, result, false)))
	made := types.NewTuple(types.NewVar(token.NoPos, open, "", types.NewPointer(helper)))
	open.Scope().Insert(types.NewFunc(token.NoPos, open, "New", types.NewSignatureType(nil, nil, nil, nil, made, false)))
	require.Equal(t, []string{
		"New mentions " + module + "internal/hidden.Secret",
		"Public mentions " + module + "internal/hidden.Secret",
	}, internalMentions(open))
}

// TestLibrariesHaveAnExample: libraries with behaviour have an example that runs and that a
// program of any module could contain.
func TestLibrariesHaveAnExample(t *testing.T) {
	for _, library := range []string{"alerting", "alerting/notify", "collector", "trend"} {
		path := filepath.Join("..", "..", library, "example_test.go")
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		require.Equal(t, filepath.Base(library)+"_test", file.Name.Name)
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			require.False(t, isInternal(imported), "%s imports %s", path, imported)
		}
		run := slices.DeleteFunc(doc.Examples(file), func(e *doc.Example) bool { return e.Output == "" })
		require.NotEmpty(t, run, "%s has no example with an output", path)
	}
}

// libraryTypes returns the types of the libraries, by import path.
func libraryTypes(t *testing.T) map[string]*types.Package {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export,GoFiles"}
	for _, l := range libraries {
		args = append(args, module+l+"/...")
	}
	list := exec.Command("go", args...)
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	require.NoError(t, err, stderr.String())
	exports := map[string]string{} // file of the export data by import path
	var wanted []string
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Export string
			GoFiles            []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		exports[p.ImportPath] = p.Export
		name, isOurs := strings.CutPrefix(p.ImportPath, module)
		if isOurs && isLibrary(name) && len(p.GoFiles) > 0 {
			wanted = append(wanted, p.ImportPath)
		}
	}
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	pkgs := map[string]*types.Package{}
	for _, path := range wanted {
		pkgs[path], err = imports.Import(path)
		require.NoError(t, err)
	}
	return pkgs
}

// isLibrary reports whether a package is a library or in one, and neither internal
// to it nor a program of its tests.
func isLibrary(name string) bool {
	if isInternal(name) || isFixture(name) {
		return false
	}
	for _, l := range libraries {
		if under(name, l) {
			return true
		}
	}
	return false
}

// internalMentions lists the internal packages of this module in the exported declarations of
// p, by the name of the declaration.
func internalMentions(p *types.Package) (mentions []string) {
	for _, name := range p.Scope().Names() {
		if object := p.Scope().Lookup(name); object.Exported() {
			w := walker{in: p, seen: map[types.Type]bool{}, found: func(of string) {
				mentions = append(mentions, name+" mentions "+of)
			}}
			w.walk(object.Type())
		}
	}
	return mentions
}

// walker visits all types that a user of a package can reach from a type.
type walker struct {
	in    *types.Package
	seen  map[types.Type]bool
	found func(name string)
}

func (w walker) walk(x types.Type) {
	if w.seen[x] {
		return
	}
	w.seen[x] = true
	switch x := x.(type) {
	case *types.Alias:
		w.name(x.Obj())
		w.walk(x.Rhs())
	case *types.Named:
		w.name(x.Obj())
		for arg := range x.TypeArgs().Types() {
			w.walk(arg)
		}
		if x.Obj().Pkg() != w.in {
			return // another package is checked by itself
		}
		w.walk(x.Underlying())
		for m := range x.Methods() {
			if m.Exported() {
				w.walk(m.Type())
			}
		}
	case *types.Struct:
		for f := range x.Fields() {
			if f.Exported() || f.Embedded() {
				w.walk(f.Type())
			}
		}
	case *types.Interface:
		for m := range x.ExplicitMethods() {
			w.walk(m.Type())
		}
		for e := range x.EmbeddedTypes() {
			w.walk(e)
		}
	case *types.Signature:
		w.walk(x.Params())
		w.walk(x.Results())
	case *types.Tuple:
		for v := range x.Variables() {
			w.walk(v.Type())
		}
	case *types.TypeParam:
		w.walk(x.Constraint())
	case *types.Union:
		for t := range x.Terms() {
			w.walk(t.Type())
		}
	case *types.Map:
		w.walk(x.Key())
		w.walk(x.Elem())
	case interface{ Elem() types.Type }: // a pointer, slice, array or channel
		w.walk(x.Elem())
	}
}

// name reports a type of an internal package of this module.
func (w walker) name(of *types.TypeName) {
	if of.Pkg() == nil {
		return
	}
	if name, isOurs := strings.CutPrefix(of.Pkg().Path(), module); isOurs && isInternal(name) {
		w.found(of.Pkg().Path() + "." + of.Name())
	}
}

// isInternal reports whether a package of this module is hidden from other
// modules.
func isInternal(name string) bool { return strings.Contains("/"+name+"/", "/internal/") }
