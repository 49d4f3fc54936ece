package attribution

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

func TestLabelsOf(t *testing.T) {
	type counts map[stack.Label]int64
	shot := func(n int64, by counts) Shot {
		return Shot{Snapshot: &stack.Snapshot{Stacks: map[string]*stack.Stack{"s": {Shape: &stack.Shape{Signature: "s"}, Count: n, ByLabel: by}}}}
	}
	label := func(k, v string) stack.Label { return stack.Label{Key: k, Value: v} }
	watch, get, acme := label("method", "Watch"), label("method", "Get"), label("tenant", "acme")
	none := Shot{Snapshot: &stack.Snapshot{Stacks: map[string]*stack.Stack{}}}
	for name, tc := range map[string]struct {
		histories []History
		grows     []bool
		want      []leak.LabelShare
	}{
		"what grew counts, not what was there": {
			[]History{{Shots: []Shot{shot(1000, counts{get: 1000}), shot(1100, counts{get: 1006, watch: 94})}}}, []bool{true},
			[]leak.LabelShare{{Key: "method", Value: "Watch", Share: 0.94}},
		},
		"over all instances that grow": {
			[]History{
				{Shots: []Shot{none, shot(50, counts{watch: 50, acme: 20})}},
				{Shots: []Shot{none, shot(50, counts{watch: 30, acme: 50})}},
				{Shots: []Shot{none, shot(900, counts{get: 900})}},
			}, []bool{true, true, false},
			[]leak.LabelShare{{Key: "method", Value: "Watch", Share: 0.8}, {Key: "tenant", Value: "acme", Share: 0.7}},
		},
		"none leads":     {[]History{{Shots: []Shot{none, shot(100, counts{watch: 40, get: 40})}}}, []bool{true}, nil},
		"no labels":      {[]History{{Shots: []Shot{none, shot(100, nil)}}}, []bool{true}, nil},
		"nothing grows":  {[]History{{Shots: []Shot{shot(100, nil), none}}}, []bool{true}, nil},
		"three at most":  {[]History{{Shots: []Shot{none, shot(10, counts{label("a", "1"): 10, label("b", "1"): 10, label("c", "1"): 9, label("d", "1"): 8})}}}, []bool{true}, []leak.LabelShare{{Key: "a", Value: "1", Share: 1}, {Key: "b", Value: "1", Share: 1}, {Key: "c", Value: "1", Share: 0.9}}},
		"over 100 % not": {[]History{{Shots: []Shot{shot(10, nil), shot(20, counts{watch: 20})}}}, []bool{true}, []leak.LabelShare{{Key: "method", Value: "Watch", Share: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			g := &grownStack{stack: &stack.Stack{Shape: &stack.Shape{Signature: "s"}}, grows: tc.grows}
			require.Equal(t, tc.want, labelsOf(g, tc.histories))
		})
	}
}
