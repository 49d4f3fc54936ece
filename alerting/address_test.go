package alerting

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

func TestAddress(t *testing.T) {
	service := labels.FromStrings("job", "a&b c/d", "from", "not this")
	from, to := time.UnixMilli(1000), time.UnixMilli(2000)
	for template, want := range map[Address]string{
		"": "",
		"https://grafana/d/x?var-job={job}&var-none={none}&from={from}&to={to}": "https://grafana/d/x?var-job=a%26b%20c%2Fd&var-none=&from=1000&to=2000",
		"https://wiki/{job}/{}/{job": "https://wiki/a%26b%20c%2Fd//{job",
	} {
		require.Equal(t, want, template.Of(200, service, from, to), string(template))
	}
	require.Equal(t, "https://g/?to=now", Address("https://g/?to={to}").Of(200, service, from, time.Time{}))
	require.Empty(t, Address("https://g/{job}").Of(20, labels.FromStrings("job", strings.Repeat("x", 100)), from, to))
}
