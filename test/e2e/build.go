package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Main is TestMain's m.Run with a folder for the programs that the tests build, each once. It
// returns the exit code.
func Main(m interface{ Run() int }) int {
	dir, err := os.MkdirTemp("", "gorowatch-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	buildDir = dir
	return m.Run()
}

// buildDir is set by Main before any test runs.
var buildDir string

// The builds of a test binary: one each, however many tests need them.
var (
	buildGorowatch = sync.OnceValue(func() error { return build(".", "./cmd/gorowatch") })
	buildScenarios = sync.OnceValue(func() error { return build(filepath.Join("test", "scenarios"), "./...") })
)

// built returns the path of a program after once has built it.
func built(t testing.TB, once func() error, name string) string {
	t.Helper()
	if buildDir == "" {
		t.Fatal("TestMain does not call e2e.Main")
	}
	if err := once(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(buildDir, name)
}

// tags are those of the Makefile: the program that users have
const tags = "disable_grpc_modules,grpcnotrace"

// build compiles the commands among packages of the module in a folder of the
// repository.
func build(module, packages string) error {
	cmd := exec.Command("go", "build", "-buildvcs=false", "-tags="+tags, "-o", buildDir+string(filepath.Separator), packages)
	cmd.Dir = filepath.Join(repository(), module)
	// Under load runs the program that users have, without the race detector.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", packages, err, out)
	}
	return nil
}

// repository returns the root of the source tree: tests run in the folder of their
// package, which is somewhere below.
func repository() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "cmd", "gorowatch", "main.go")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	panic(fmt.Sprintf("e2e: the sources are not above the working directory %s (%v)", dir, err))
}
