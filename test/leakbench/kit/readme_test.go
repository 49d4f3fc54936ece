package main

import (
	"os"
	"strings"
	"testing"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/sim"
)

// TestReadme checks that the README has each class; of the hard ones with the
// sentence that the command prints.
func TestReadme(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, c := range sim.Public() {
		if !strings.Contains(text, c.Name) {
			t.Errorf("%s is missing", c.Name)
		}
	}
	for _, c := range sim.Hard() {
		if row := "| " + c.Name + " | " + c.About + " |\n"; !strings.Contains(text, row) {
			t.Errorf("this row is missing:\n%s", row)
		}
	}
}
