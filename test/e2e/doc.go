// Package e2e runs gorowatch against real servers: Prometheus, Alertmanager, Redis, and
// services that leak (test/scenarios). Every helper here starts one of them for a test and ends
// it with the test; its output is shown if the test fails. Everything listens on 127.0.0.1.
//
// The servers come from test/tools/install.sh. On a developer's machine a test whose server is
// missing is skipped and says how to get it; with CI=true it fails.
package e2e
