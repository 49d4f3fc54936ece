// Grafana dashboards and Prometheus rules, written in Go. A module of its own,
// so that what they are made with stays out of the product.
module github.com/gorowatch/gorowatch/grafana

go 1.26.0

require (
	github.com/grafana/grafana-foundation-sdk/go v0.0.12
	github.com/stretchr/testify v1.12.1
	go.uber.org/goleak v1.3.0
	go.yaml.in/yaml/v2 v2.4.4
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
