//go:build !slim

package main

import (
	"log/slog"

	// The mechanisms of service discovery register themselves.
	_ "github.com/prometheus/prometheus/discovery/consul"
	_ "github.com/prometheus/prometheus/discovery/dns"
	_ "github.com/prometheus/prometheus/discovery/file"
	_ "github.com/prometheus/prometheus/discovery/http"
	_ "github.com/prometheus/prometheus/discovery/kubernetes"
	"k8s.io/klog/v2"
)

// logDiscovery sets the logger of the Kubernetes library, which has one for the whole process.
func logDiscovery(l *slog.Logger) {
	klog.SetSlogLogger(l.With("component", "kubernetes"))
}
