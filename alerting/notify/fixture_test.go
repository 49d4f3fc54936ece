package notify

import (
	"net/url"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/leaktest"
	"github.com/gorowatch/gorowatch/leak"
)

func checkout() leak.Leak { return leaktest.Checkout() }

func render() alerting.RenderOptions {
	u, err := url.Parse("https://gorowatch.example.com/leaks-of/")
	if err != nil {
		panic(err)
	}
	return alerting.RenderOptions{
		ExternalURL: u, ExternalLabels: labels.FromStrings("cluster", "eu-1"),
		Dashboard: "https://grafana.example.com/d/service?var-job={job}&from={from}&to={to}", Runbook: "https://runbooks.example.com/{job}/goroutine-leak",
	}
}
