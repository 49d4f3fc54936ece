package leak

import (
	"regexp"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

func TestIgnoreRules(t *testing.T) {
	s := StackGrowth{
		Signature: "sig", Key: collector.Frame{Func: "main.f"},
		Frames: []collector.Frame{{Func: "lib.g"}, {Func: "main.f"}, {Func: "main.start.func1"}},
	}
	re := regexp.MustCompile
	for name, c := range map[string]struct {
		rule Ignore
		want bool
	}{
		"signature":          {Ignore{Signature: "sig"}, true},
		"other signature":    {Ignore{Signature: "x"}, false},
		"key":                {Ignore{Key: re(`^main\.f$`)}, true},
		"other key":          {Ignore{Key: re(`^lib\.g$`)}, false},
		"any frame":          {Ignore{Function: re(`^lib\.g$`)}, true},
		"no frame":           {Ignore{Function: re(`^nothing$`)}, false},
		"first function":     {Ignore{CreatedBy: re(`^main\.start\.func1$`)}, true},
		"all have to match":  {Ignore{Signature: "sig", Key: re(`^x$`)}, false},
		"of another service": {Ignore{Signature: "sig", Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "job", "x")}}, false},
		"ended":              {Ignore{Signature: "sig", Until: t0}, false},
		"not ended":          {Ignore{Signature: "sig", Until: t0.Add(1)}, true},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, c.rule.Matches(t0, checkout, s)) })
	}
}
