package human

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClosest(t *testing.T) {
	list := []string{"serve", "scan", "diff", "check", "check-config", "demo", "version"}
	for word, want := range map[string]string{
		"sever": "serve", "serv": "serve", "scna": "scan", "dif": "diff", "chekc": "check", "versoin": "version",
		"check-cofnig": "check-config", "checkconfig": "check-config", "vresoin": "version",
		"": "", "x": "", "deploy": "", "sc": "", "demonstrate": "", "seve": "serve", "svnr": "",
	} {
		require.Equal(t, want, Closest(word, list), word)
	}
	require.Equal(t, "scan", Closest("scan", list))
	require.Empty(t, Closest("scan", nil))
}
