package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite docs/cli.md")

const cliPage = "../../docs/cli.md"

const cliIntro = `# Command line

` + "`gorowatch [flags] COMMAND [flags]`" + `. Without a command it is ` + "`serve`" + `. A flag that is on or off is turned off with ` + "`--no-`" + ` before its name.

| exit code | meaning |
|---|---|
| 0 | All went well; ` + "`serve` and `demo`" + ` also after SIGTERM or Ctrl-C. |
| 1 | A leak was found, where the command was asked to say so. |
| 2 | It could not run, or was interrupted; standard error says why. |
| 3 | ` + "`verdict`" + `: it is too early to tell whether the rollout leaks. |

## Completion

Let the shell complete commands and flags. For bash, add this line to ` + "`~/.bashrc`" + `:

` + "```sh" + `
eval "$(gorowatch --completion-script-bash)"
` + "```" + `

For zsh, add this one to ` + "`~/.zshrc`" + `:

` + "```sh" + `
eval "$(gorowatch --completion-script-zsh)"
` + "```" + `

`

// The page has the whole command line; -update rewrites it.
func TestPageOfTheCommandLine(t *testing.T) {
	model := newCLI(io.Discard, io.Discard).Model()
	var page strings.Builder
	page.WriteString(cliIntro)
	page.WriteString("## Every command\n\n")
	flagTable(&page, model.Flags)
	for _, c := range model.Commands {
		if c.Hidden || c.Name == "help" {
			continue
		}
		usage := c.Name
		for _, a := range c.Args {
			usage += " " + strings.ToUpper(a.Name)
		}
		fmt.Fprintf(&page, "\n## `%s`\n\n%s\n", usage, c.Help)
		if len(c.Flags) > 0 {
			page.WriteString("\n")
			flagTable(&page, c.Flags)
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(cliPage, []byte(page.String()), 0o644))
	}
	want, err := os.ReadFile(cliPage)
	require.NoError(t, err)
	require.Equal(t, string(want), page.String(), "go test ./cmd/gorowatch -run TestPageOfTheCommandLine -update")
}

func flagTable(w *strings.Builder, flags []*kingpin.FlagModel) {
	w.WriteString("| flag | default | meaning |\n|---|---|---|\n")
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		name := "--" + f.Name
		if f.Short != 0 {
			name = "-" + string(f.Short) + "`, `" + name
		}
		if !f.IsBoolFlag() {
			value := f.PlaceHolder
			if value == "" {
				value = "…"
			}
			name += "=" + value
		}
		def := strings.Join(f.Default, ", ")
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s |\n", name, def, strings.ReplaceAll(f.Help, "|", `\|`))
	}
}

// Every gorowatch command on the pages has an existing command and flags.
func TestCommandsOfThePages(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	more, err := filepath.Glob("../../docs/*/*.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?ms)^ *```(?:sh|console)\n(.*?)^ *```$")
	words := regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"])+`)
	found := 0
	for _, page := range append(append(pages, more...), "../../README.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, block := range blocks.FindAllStringSubmatch(string(text), -1) {
			for _, line := range strings.Split(strings.ReplaceAll(block[1], "\\\n", " "), "\n") {
				line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
				args := words.FindAllString(strings.ReplaceAll(line, "2>", " 2>"), -1)
				// make demo builds the program as dist/demo.
				if len(args) == 0 || filepath.Base(args[0]) != "gorowatch" && args[0] != "dist/demo" {
					continue
				}
				for i, a := range args {
					args[i] = strings.NewReplacer("'", "", `"`, "").Replace(a)
				}
				found++
				_, err := newCLI(io.Discard, io.Discard).Parse(args[1:])
				if err != nil && strings.HasSuffix(err.Error(), "does not exist") {
					continue // the reader's own file
				}
				require.NoError(t, err, "%s: %s", page, line)
			}
		}
	}
	require.NotZero(t, found)
}

// A path that a page names, outside its own folder, exists in every clone.
func TestPathsOfThePages(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	outside := regexp.MustCompile(`\.\./[\w./-]+`)
	found := 0
	for _, page := range append(pages, "../../README.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, path := range outside.FindAllString(string(text), -1) {
			found++
			_, err := os.Stat(filepath.Join(filepath.Dir(page), strings.TrimRight(path, ".")))
			require.NoError(t, err, "%s names %s", page, path)
		}
	}
	require.NotZero(t, found)
}
