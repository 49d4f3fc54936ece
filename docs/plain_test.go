package docs

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// longer lists the pages that may be above the bound: those that the museum writes.
var longer = []string{"docs/evidence.md"}

// maxMeanSentence is how many words a sentence of the documentation may have on average.
const maxMeanSentence = 18

var (
	htmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	markdown    = regexp.MustCompile("`[^`]*`|!?\\[([^\\]]*)\\]\\([^)]*\\)")
	sentenceEnd = regexp.MustCompile(`[.!?](?:\s|$)`)
	word        = regexp.MustCompile(`[\p{L}\p{N}][\p{L}\p{N}'’.,_/-]*`)
)

// sentences returns the sentences of a page, without blocks of code and tables. An inline code
// span is one word.
func sentences(page string) (out []string) {
	page = fence.ReplaceAllString(htmlComment.ReplaceAllString(page, ""), "\n\n")
	var blocks []string
	var block []string
	flush := func() {
		if len(block) > 0 {
			blocks, block = append(blocks, strings.Join(block, " ")), nil
		}
	}
	for _, line := range strings.Split(page, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == '|':
			flush()
			continue
		case strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "* ") || regexp.MustCompile(`^\d+\. `).MatchString(line):
			flush()
		}
		block = append(block, line)
	}
	flush()
	for _, b := range blocks {
		b = markdown.ReplaceAllStringFunc(b, func(m string) string {
			if text := markdown.FindStringSubmatch(m)[1]; text != "" {
				return text
			}
			return "code"
		})
		for _, s := range sentenceEnd.Split(b, -1) {
			if len(word.FindAllString(s, -1)) > 0 {
				out = append(out, s)
			}
		}
	}
	return out
}

// TestSentencesAreShort measures README.md and every page of the documentation. The mean of
// all must be below the bound, and so must that of each page.
func TestSentencesAreShort(t *testing.T) {
	words, count := 0, 0
	for name, text := range pages(t) {
		if name != "README.md" && !strings.HasPrefix(name, "docs/") || strings.HasPrefix(name, "docs/decisions/") {
			continue
		}
		all := sentences(text)
		n := 0
		for _, s := range all {
			n += len(word.FindAllString(s, -1))
		}
		words, count = words+n, count+len(all)
		if len(all) > 5 {
			mean := float64(n) / float64(len(all))
			t.Logf("%5.1f words in %3d sentences: %s", mean, len(all), name)
			if mean >= maxMeanSentence && !slices.Contains(longer, name) {
				t.Errorf("%s: %.1f words a sentence, expected less than %d", name, mean, maxMeanSentence)
			}
		}
	}
	require.Greater(t, count, 500)
	t.Logf("%.1f words in %d sentences", float64(words)/float64(count), count)
	require.Less(t, float64(words)/float64(count), maxMeanSentence+0.0)
}

func TestSentences(t *testing.T) {
	page := "# Title here\n\nOne two `a b c` four. Five [six seven](x.md)!\n\n- eight nine\n- ten\n\n| a | b |\n\n```\ncode. code.\n```\n"
	require.Equal(t, []string{"One two code four", "Five six seven", "- eight nine", "- ten"}, sentences(page))
}
