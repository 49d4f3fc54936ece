//go:build !slim

package main

import (
	"log/slog"

	// The mechanisms of service discovery, which register themselves.
	_ "github.com/prometheus/prometheus/discovery/consul"
	_ "github.com/prometheus/prometheus/discovery/dns"
	_ "github.com/prometheus/prometheus/discovery/file"
	_ "github.com/prometheus/prometheus/discovery/http"
	_ "github.com/prometheus/prometheus/discovery/kubernetes"
	"k8s.io/klog/v2"
)

// logDiscovery lets the library of Kubernetes log as everybody does. It has one
// logger for the process.
func logDiscovery(l *slog.Logger) {
	klog.SetSlogLogger(l.With("component", "kubernetes"))
}
