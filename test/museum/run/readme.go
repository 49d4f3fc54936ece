package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The tables of the README are between these lines.
const (
	begin = "<!-- tables: go run ./run -readme -->\n"
	end   = "<!-- end of tables -->\n"
)

// writeReadme puts the tables of the cases into the README.
func writeReadme(museum string, m *Museum) error {
	path := filepath.Join(museum, "README.md")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err = withTables(text, m)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// withTables returns a README with new tables.
func withTables(readme []byte, m *Museum) ([]byte, error) {
	head, rest, ok := strings.Cut(string(readme), begin)
	_, tail, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return nil, fmt.Errorf("README.md: no %s … %s", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return []byte(head + begin + tables(m) + end + tail), nil
}

func tables(m *Museum) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| leak | module, version | reported | fix | leaks | waits for | per hour |\n|---|---|---|---|---|---|---|\n")
	for _, c := range m.Leaks {
		module, fix := "standard library", c.Fix
		if c.Module != "" {
			module = c.Module + " " + c.Version
		}
		if c.Server != "" {
			module = c.Server + " of Debian"
		}
		if c.Fixed != "" {
			fix = c.Fixed + ": " + fix
		}
		fmt.Fprintf(&b, "| `%s` | %s | [%s](%s) | %s | `%s` | %s | %d |\n", c.Name, module, short(c.Issue), c.Issue, fix, readable(c.Function), c.Operation, c.Rate)
	}
	fmt.Fprintf(&b, "\n| healthy | looks like a leak because of |\n|---|---|\n")
	for _, c := range m.Healthy {
		fmt.Fprintf(&b, "| `%s` | %s |\n", c.Name, c.Why)
	}
	return b.String()
}

// short returns an issue's address without the common prefix.
func short(url string) string {
	return strings.NewReplacer("https://github.com/", "", "/issues/", "#", "/pull/", "#").Replace(url)
}
