//go:build !slim

package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/config"
)

// headers sends a request through a transport and returns the headers that arrived.
func headers(t *testing.T, rt http.RoundTripper) (http.Header, error) {
	t.Helper()
	var got http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/api/v1/query_range", strings.NewReader("query=up"))
	require.NoError(t, err)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return got, resp.Body.Close()
}

func TestAmazonGetsASignature(t *testing.T) {
	next := &http.Transport{DisableKeepAlives: true}
	rt, err := logIn("sigv4", config.Cloud{"region": "eu-central-1", "access_key": "AKID", "secret_key": "hunter2"}, next)
	require.NoError(t, err)
	got, err := headers(t, rt)
	require.NoError(t, err)
	require.Regexp(t, `^AWS4-HMAC-SHA256 Credential=AKID/\d+/eu-central-1/aps/aws4_request, SignedHeaders=`, got.Get("Authorization"))
}

// Google's token is requested with the scope for reading.
func TestGoogleGetsAToken(t *testing.T) {
	var claims struct{ Scope string }
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(r.FormValue("assertion"), ".")
		if len(parts) == 3 {
			text, _ := base64.RawURLEncoding.DecodeString(parts[1])
			_ = json.Unmarshal(text, &claims)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"t0ken","token_type":"Bearer","expires_in":3600}`))
	}))
	defer tokens.Close()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "gorowatch@example.iam.gserviceaccount.com", "private_key_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": tokens.URL,
	})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "account.json")
	require.NoError(t, os.WriteFile(file, account, 0o600))
	rt, err := logIn("google_iam", config.Cloud{"credentials_file": file}, &http.Transport{DisableKeepAlives: true})
	require.NoError(t, err)
	got, err := headers(t, rt)
	require.NoError(t, err)
	require.Equal(t, "Bearer t0ken", got.Get("Authorization"))
	require.Equal(t, "https://www.googleapis.com/auth/monitoring.read", claims.Scope)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// A wrong login is an error at once; missing credentials are, at the first request and again
// later.
func TestLoginsThatFail(t *testing.T) {
	for key, c := range map[string]config.Cloud{
		"sigv4":      {"region": "x", "access_key": "without its secret"},
		"google_iam": {"credentials": "x"},
		"azuread":    {"cloud": "AzurePublic"},
	} {
		_, err := logIn(key, c, nil)
		require.Error(t, err, key)
	}
	rt, err := logIn("google_iam", config.Cloud{"credentials_file": filepath.Join(t.TempDir(), "none.json")}, nil)
	require.NoError(t, err)
	for range 2 {
		_, err = headers(t, rt)
		require.ErrorContains(t, err, "no credentials")
	}
	_, err = logIn("azuread", config.Cloud{"oauth": map[string]any{
		"client_id": "00000000-0000-0000-0000-000000000001", "client_secret": "s", "tenant_id": "00000000-0000-0000-0000-000000000002",
	}}, nil)
	require.NoError(t, err)
}
