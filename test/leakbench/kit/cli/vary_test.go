package cli

import (
	"testing"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/vary"
)

// Without a pattern all numbers with a name are varied, and with one those that it fits.
func TestWanted(t *testing.T) {
	named, other := &vary.Number{Name: "odds.swing.Often"}, &vary.Number{Name: "trend.seen:0.9", InFunction: true}
	for _, x := range []struct {
		number    *vary.Number
		only      string
		functions bool
		want      bool
	}{
		{named, "", false, true},
		{other, "", false, false},
		{other, "", true, true},
		{named, "odds.*", false, true},
		{named, "trend.likely,odds.swing.Often", false, true},
		{other, "trend.seen:0.9", false, true},
		{named, "trend.*", true, false},
	} {
		if got := wanted(x.number, x.only, x.functions); got != x.want {
			t.Errorf("%s with %q: got %t", x.number.Name, x.only, got)
		}
	}
}

// A variant has the values that it is given, in the unit of each number.
func TestSet(t *testing.T) {
	numbers := []*vary.Number{{Name: "trend.likely", Value: 4, Unit: 1}, {Name: "lifecycle.wait", Value: 6e10, Unit: 1e9}}
	v, err := set(numbers, "trend.likely=3,lifecycle.wait=30")
	if err != nil || v.values[0] != 3 || v.values[1] != 3e10 {
		t.Errorf("got %v, %v", v, err)
	}
	for _, text := range []string{"trend.unknown=3", "trend.likely=x", "trend.likely"} {
		if _, err := set(numbers, text); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}
