package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every file that a configuration names is checked, and reported by its key.
func TestCheckFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("gorowatch.yml", `
prometheus:
  url: http://a
  basic_auth: {username: x, password_file: p1}
  http_headers: {X-Scope: {files: [h1]}}
  tls_config: {ca_file: ca, cert_file: c1, key_file: k1}
targets:
  - matchers: ['job="x"']
    authorization: {credentials_file: here}
  - matchers: ['job="y"']
    oauth2: {client_id: x, token_url: "http://a", client_secret_file: o1}
  - http_sd_configs:
      - {url: "http://a", authorization: {credentials_file: s1}}
      - {url: "http://b", authorization: {credentials_file: folder}}
alerting:
  alertmanagers:
    - static_configs: [{targets: ["am:9093"]}]
      bearer_token_file: b1
    - static_configs: [{targets: ["am:9093"]}]
      tls_config: {ca_file: here}
  webhooks:
    - {url_file: w1}
    - {url_file: here}
    - {url_file: url, http_config: {basic_auth: {username_file: u1, password_file: here}}}
  inbound: {credentials_file: i1}
`)
	write("here", "hunter2")
	write("url", "http://chat\n")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	c, err := LoadFile(filepath.Join(dir, "gorowatch.yml"))
	require.NoError(t, err)
	err = c.CheckFiles()
	require.Error(t, err)
	missing := func(field, name string) string {
		return field + `: "` + filepath.Join(dir, name) + `" cannot be read: no such file or directory, expected a file`
	}
	require.Equal(t, []string{
		missing("prometheus.basic_auth.password_file", "p1"),
		missing("prometheus.tls_config.ca_file", "ca"),
		missing("prometheus.tls_config.cert_file", "c1"),
		missing("prometheus.tls_config.key_file", "k1"),
		missing("prometheus.http_headers.X-Scope.files[0]", "h1"),
		missing("targets[1].oauth2.client_secret_file", "o1"),
		missing("targets[2].http_sd_configs[0].authorization.credentials_file", "s1"),
		`targets[2].http_sd_configs[1].authorization.credentials_file: "` + filepath.Join(dir, "folder") + `" cannot be read: is a directory, expected a file`,
		missing("alerting.alertmanagers[0].authorization.credentials_file", "b1"),
		"alerting.alertmanagers[1].tls_config: unable to use specified CA cert file " + filepath.Join(dir, "here"),
		missing("alerting.webhooks[0].url_file", "w1"),
		missing("alerting.webhooks[2].http_config.basic_auth.username_file", "u1"),
		missing("alerting.inbound.credentials_file", "i1"),
		"alerting.webhooks[1].url_file: what is in " + filepath.Join(dir, "here") + " is not an address, expected http://host:port/path or https://host:port/path",
	}, strings.Split(err.Error(), "\n"))

	c, err = LoadFile("testdata/good/empty.yml")
	require.NoError(t, err)
	require.NoError(t, c.CheckFiles())
	c.Prometheus.GoogleIAM = Cloud{"credentials_file": "/no/such/file"}
	require.EqualError(t, c.CheckFiles(), `prometheus.google_iam.credentials_file: "/no/such/file" cannot be read: no such file or directory, expected a file`)
}
