package web

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

// TestLeadingLabels: the page and the API of a leak show which values lead.
func TestLeadingLabels(t *testing.T) {
	s := leaking()
	plain := text(body(t, get(t, options(s), "/leaks/3f9c2a7b")))
	require.NotContains(t, plain, "pprof labels")
	for i := range s.leaks {
		if s.leaks[i].ID == "3f9c2a7b" {
			s.leaks[i].Stacks[0].Labels = []leak.LabelShare{{Key: "method", Value: "/cart.Cart/Watch", Share: 0.94}, {Key: "tenant", Value: "#5f3a9c2d", Share: 0.71}}
		}
	}
	page := text(body(t, get(t, options(s), "/leaks/3f9c2a7b")))
	require.Contains(t, page, "pprof labels of the growth: method =/cart.Cart/Watch 94 % tenant =#5f3a9c2d 71 %")
	api := body(t, get(t, options(s), "/api/v1/leaks/3f9c2a7b"))
	require.Contains(t, api, `"leading_labels":[{"key":"method","value":"/cart.Cart/Watch","share":0.94},{"key":"tenant","value":"#5f3a9c2d","share":0.71}]`)
}
