package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Binaries are the programs that have been built.
type Binaries struct{ dir string }

// twins are in their own folder, because they have the same names.
func (b Binaries) leak(name string) string    { return filepath.Join(b.dir, "leaks", name) }
func (b Binaries) twin(name string) string    { return filepath.Join(b.dir, "twins", name) }
func (b Binaries) healthy(name string) string { return filepath.Join(b.dir, "healthy", name) }
func (b Binaries) tool(name string) string    { return filepath.Join(b.dir, "tools", name) }

// build compiles the programs of the cases of m, in the museum's folder, into folders below
// dir. Packages that were compiled before come from Go's cache.
func build(museum, dir string, m *Museum) (Binaries, error) {
	b := Binaries{dir: dir}
	var leaks, twins, healthy []string
	tools := []string{"./world"}
	plus, crowd := false, false
	for _, c := range m.Leaks {
		crowd, plus = crowd || c.Crowd != "", plus || c.needsPlus()
		if c.Server != "" {
			continue
		}
		leaks = append(leaks, "./leaks/"+c.Name)
		if c.Fixed != "" {
			twins = append(twins, "./leaks/"+c.Name)
		}
	}
	for _, c := range m.Healthy {
		crowd, plus = crowd || c.Crowd != "", plus || c.needsPlus()
		if c.Server != "" {
			continue
		}
		healthy = append(healthy, "./healthy/"+c.Name)
	}
	if crowd {
		tools = append(tools, "./crowd")
	}
	if plus {
		tools = append(tools, "./worldplus")
	}
	for _, part := range []struct {
		dir, mod string
		packages []string
	}{
		{"leaks", "go.mod", leaks}, {"twins", "fixed.mod", twins}, {"healthy", "go.mod", healthy}, {"tools", "go.mod", tools},
	} {
		if len(part.packages) == 0 {
			continue
		}
		out := filepath.Join(dir, part.dir)
		if err := os.MkdirAll(out, 0o755); err != nil {
			return b, err
		}
		// Symbols are not needed: profiles have their names without.
		args := []string{"build", "-modfile=" + part.mod, "-p=2", "-ldflags=-s -w", "-o", out + string(filepath.Separator)}
		if err := goTool(museum, append(args, part.packages...)...); err != nil {
			return b, err
		}
	}
	return b, nil
}

// goTool runs the go command in a folder.
func goTool(dir string, args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", args[0], err, out)
	}
	return nil
}

// gorowatch builds the product with the tags of a release.
func gorowatch(root, dir string) (string, error) {
	path := filepath.Join(dir, "gorowatch")
	return path, goTool(root, "build", "-p=2", "-tags=disable_grpc_modules,grpcnotrace", "-ldflags=-s -w", "-o", path, "./cmd/gorowatch")
}

// prometheus returns the path of the Prometheus that test/tools/install.sh has built.
func prometheus() (string, error) { return tool("prometheus", "prometheus") }
