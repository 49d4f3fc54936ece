package repository

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// notice runs the reader of licences on a repository.
func notice(t *testing.T, repository string, flags ...string) (string, error) {
	t.Helper()
	dir, err := filepath.Abs(repository)
	require.NoError(t, err)
	run := exec.Command("go", append([]string{"run", ".", "-root=" + dir}, flags...)...)
	run.Dir = filepath.Join(root, "test/tools/notice")
	run.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false")
	out, err := run.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		out = append(out, exit.Stderr...)
	}
	return string(out), err
}

// TestNotice checks that NOTICE has the licence of every module that the program links.
func TestNotice(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "texts")
	out, err := notice(t, root, "-texts="+file)
	require.NoError(t, err, out)
	require.Equal(t, read(t, "NOTICE"), out, "make notice")
	require.Contains(t, out, "github.com/hashicorp/consul/api ", "under the MPL")

	texts, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(texts), "Mozilla Public License")
	require.Contains(t, string(texts), "==== github.com/prometheus/common ")
}

// TestLicencesThatMayNotBeLinked checks that a module without a licence, or with one that
// does not go with ours, is an error that names it.
func TestLicencesThatMayNotBeLinked(t *testing.T) {
	for name, tc := range map[string]struct{ licence, want string }{
		"none": {"", "example.org/part v1.0.0: no licence that is known"},
		"gpl": {
			"This program is free software: you can redistribute it and/or modify\nit under the terms of the GNU General Public License as published by\nthe Free Software Foundation, either version 3 of the License, or\n(at your option) any later version.\n",
			"licence GPL-3.0-or-later may not be linked",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files := map[string]string{
				"go.mod":                "module example.org/main\n\ngo 1.26\n\nrequire example.org/part v1.0.0\n\nreplace example.org/part => ./part\n",
				"cmd/gorowatch/main.go": "package main\n\nimport _ \"example.org/part\"\n\nfunc main() {}\n",
				"part/go.mod":           "module example.org/part\n\ngo 1.26\n",
				"part/part.go":          "package part\n",
				"part/README":           "nothing\n",
			}
			if tc.licence != "" {
				files["part/LICENSE"] = tc.licence
			}
			for file, text := range files {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
			}
			out, err := notice(t, dir)
			require.Error(t, err)
			require.Contains(t, out, tc.want)
		})
	}
}
