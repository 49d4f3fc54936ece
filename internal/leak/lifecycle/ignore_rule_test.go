package lifecycle

import (
	"regexp"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

func TestIgnoreRules(t *testing.T) {
	s := leak.StackGrowth{
		Signature: "sig", Key: collector.Frame{Func: "main.f"},
		Frames: []collector.Frame{{Func: "lib.g"}, {Func: "main.f"}, {Func: "main.start.func1"}},
	}
	re := regexp.MustCompile
	for name, c := range map[string]struct {
		rule IgnoreRule
		want bool
	}{
		"signature":          {IgnoreRule{Signature: "sig"}, true},
		"other signature":    {IgnoreRule{Signature: "x"}, false},
		"key":                {IgnoreRule{Key: re(`^main\.f$`)}, true},
		"other key":          {IgnoreRule{Key: re(`^lib\.g$`)}, false},
		"any frame":          {IgnoreRule{Function: re(`^lib\.g$`)}, true},
		"no frame":           {IgnoreRule{Function: re(`^nothing$`)}, false},
		"first function":     {IgnoreRule{CreatedBy: re(`^main\.start\.func1$`)}, true},
		"all have to match":  {IgnoreRule{Signature: "sig", Key: re(`^x$`)}, false},
		"of another service": {IgnoreRule{Signature: "sig", Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "job", "x")}}, false},
		"ended":              {IgnoreRule{Signature: "sig", Until: t0}, false},
		"not ended":          {IgnoreRule{Signature: "sig", Until: t0.Add(1)}, true},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, c.rule.Matches(t0, checkout, s)) })
	}
}
