//go:build deps

// Package deps keeps modules in go.mod while the packages that use them are written.
package deps

import (
	_ "github.com/DataDog/gostackparse"
	_ "github.com/alecthomas/kingpin/v2"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/google/pprof/profile"
	_ "github.com/oklog/run"
	_ "github.com/prometheus/client_golang/api/prometheus/v1"
	_ "github.com/prometheus/client_golang/prometheus/promhttp"
	_ "github.com/prometheus/common/config"
	_ "github.com/prometheus/common/expfmt"
	_ "github.com/prometheus/common/promslog/flag"
	_ "github.com/prometheus/exporter-toolkit/web/kingpinflag"
	_ "github.com/prometheus/prometheus/model/labels"
	_ "github.com/prometheus/prometheus/tsdb"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/stretchr/testify/require"
	_ "go.uber.org/goleak"
	_ "go.yaml.in/yaml/v2"
	_ "gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/memblob"
)
