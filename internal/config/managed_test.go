package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCloudKeepsSecretsAndResolvesPaths(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yml")
	require.NoError(t, os.WriteFile(file, []byte(`
prometheus:
  url: https://x
  azuread: {cloud: AzurePublic, oauth: {client_id: a, client_secret: hunter2, tenant_id: t}, certificate: {certificate_path: c.pem}}
`), 0o600))
	c, err := LoadFile(file)
	require.NoError(t, err)
	require.NotContains(t, c.String(), "hunter2")
	require.Contains(t, c.String(), "tenant_id: t")
	var into struct {
		Cloud string
		OAuth struct {
			ClientID     string `yaml:"client_id"`
			ClientSecret string `yaml:"client_secret"`
			TenantID     string `yaml:"tenant_id"`
		} `yaml:"oauth"`
		Certificate struct {
			Path string `yaml:"certificate_path"`
		}
	}
	require.NoError(t, c.Prometheus.AzureAD.Decode(&into))
	require.Equal(t, "hunter2", into.OAuth.ClientSecret)
	require.Equal(t, filepath.Join(filepath.Dir(file), "c.pem"), into.Certificate.Path)
	require.Error(t, c.Prometheus.AzureAD.Decode(&struct{}{}), "an unknown key")

	_, err = Load([]byte("prometheus: {url: http://x, sigv4: {region: r}, basic_auth: {username: u}}"))
	require.ErrorContains(t, err, "prometheus: has basic_auth and sigv4, expected one login")
	none, err := Load([]byte("prometheus: {url: http://x, sigv4: {}}"))
	require.NoError(t, err)
	require.Len(t, none.Prometheus.Clouds(), 1, "all from the environment")
}
