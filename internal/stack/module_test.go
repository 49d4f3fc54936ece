package stack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// Paths decide what is a dependency. If they do not say, the list of well-known libraries does.
func TestDependencies(t *testing.T) {
	for name, c := range map[string]struct {
		fn, file string
		user     bool
	}{
		"in the module cache":         {"github.com/acme/queue.(*Queue).run", "/root/go/pkg/mod/github.com/acme/queue@v1.4.0/queue.go", false},
		"trimmed":                     {"github.com/acme/queue.(*Queue).run", "github.com/acme/queue@v1.4.0/queue.go", false},
		"vendored":                    {"github.com/acme/queue.(*Queue).run", "/src/shop/vendor/github.com/acme/queue/queue.go", false},
		"another repository of Bazel": {"github.com/acme/queue.(*Queue).run", "external/com_github_acme_queue/queue.go", false},
		"the user's own":              {"github.com/acme/queue.(*Queue).run", "/src/queue/queue.go", true},
		"the user's own, trimmed":     {"github.com/acme/queue.(*Queue).run", "github.com/acme/queue/queue.go", true},
		"without a path":              {"github.com/acme/queue.(*Queue).run", "", true},
		"well known, without a path":  {"github.com/robfig/cron/v3.(*Cron).run", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			shape := NewHints("").n
			places := shape.places([]*collector.Frame{{Func: c.fn, File: c.file, Line: 3}}, nil)
			require.Equal(t, c.user, places[0].class == classUser)
		})
	}
}
