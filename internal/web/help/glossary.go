package help

import (
	"io/fs"
	"strings"
	"sync"

	"github.com/gorowatch/gorowatch/docs"
)

// Meaning returns the meaning of a word in the glossary, empty if it is not there.
func Meaning(word string) string { return glossary()[word] }

// glossary reads the table of docs/glossary.md.
var glossary = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	text, _ := fs.ReadFile(docs.Files, "glossary.md") // is embedded
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, " | ")
		if word, ok := strings.CutPrefix(cells[0], "| "); ok && len(cells) == 2 {
			meaning := strings.TrimSuffix(strings.TrimSpace(cells[1]), " |")
			out[word] = strings.ReplaceAll(meaning, "`", "")
		}
	}
	return out
})
