package fetch

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v2"

	"github.com/gorowatch/gorowatch/collector"
)

// tokenServer issues tokens, or redirects requests for them.
type tokenServer struct {
	*httptest.Server

	mtx    sync.Mutex
	to     string
	bodies []string
}

func newTokenServer(t *testing.T) *tokenServer {
	t.Helper()
	s := &tokenServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mtx.Lock()
		defer s.mtx.Unlock()
		if s.to != "" && r.URL.Path != "/moved" {
			http.Redirect(w, r, s.to, http.StatusTemporaryRedirect)
			return
		}
		user, password, _ := r.BasicAuth()
		s.bodies = append(s.bodies, user+":"+password+" "+string(body))
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token": "t%d", "token_type": "Bearer", "expires_in": 3600}`, len(s.bodies))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *tokenServer) redirectTo(to string) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.to = to
}

func (s *tokenServer) requests() []string {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return slices.Clone(s.bodies)
}

// echo answers with the credentials of the request.
func echo(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func client(t *testing.T, text string) *http.Client {
	t.Helper()
	c := commoncfg.DefaultHTTPClientConfig
	require.NoError(t, yaml.UnmarshalStrict([]byte(text), &c))
	require.NoError(t, c.Validate())
	made, err := NewClient(c, "test")
	require.NoError(t, err)
	t.Cleanup(made.CloseIdleConnections)
	return made
}

func ask(t *testing.T, c *http.Client, u string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u, strings.NewReader("x"))
	require.NoError(t, err)
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// The client's secret goes to the token server of the configuration, and not to where that
// redirects.
func TestClientSecretStaysWithTheTokenServer(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600))
	for name, login := range map[string]string{
		"secret":    "client_id: me, client_secret: hunter2, endpoint_params: {audience: x}",
		"signature": "client_id: me, grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_certificate_key_file: " + file,
	} {
		t.Run(name, func(t *testing.T) {
			tokens, other, target := newTokenServer(t), newTokenServer(t), echo(t)
			conf := "oauth2: {token_url: " + tokens.URL + "/token, " + login + "}"
			tokens.redirectTo(other.URL)
			_, err := ask(t, client(t, conf), target)
			require.ErrorContains(t, err, "it redirects from "+tokens.URL+" to "+other.URL+", which does not get the credentials; set oauth2.token_url")
			require.Equal(t, collector.ReasonRedirect, collector.ReasonOf(err))
			require.Empty(t, other.requests())

			tokens.redirectTo("/moved")
			c := client(t, conf)
			for range 2 {
				text, err := ask(t, c, target)
				require.NoError(t, err)
				require.Equal(t, "Bearer t1", text, "a token is used again")
			}
			require.Len(t, tokens.requests(), 1)
			if name == "secret" {
				require.Equal(t, "me:hunter2 audience=x&grant_type=client_credentials", tokens.requests()[0])
			} else {
				require.Contains(t, tokens.requests()[0], "assertion=")
			}
		})
	}
}

// A secret that changes in its file leads to a new token.
func TestClientSecretIsReadAnew(t *testing.T) {
	tokens, target := newTokenServer(t), echo(t)
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("one\n"), 0o600))
	c := client(t, "oauth2: {token_url: "+tokens.URL+", client_id: me, client_secret_file: "+file+"}")
	text, err := ask(t, c, target)
	require.NoError(t, err)
	require.Equal(t, "Bearer t1", text)
	require.NoError(t, os.WriteFile(file, []byte("two\n"), 0o600))
	text, err = ask(t, c, target)
	require.NoError(t, err)
	require.Equal(t, "Bearer t2", text)
	require.Equal(t, []string{"me:one grant_type=client_credentials", "me:two grant_type=client_credentials"}, tokens.requests())

	require.NoError(t, os.Remove(file))
	_, err = ask(t, c, target)
	require.ErrorContains(t, err, "secret: no such file")
}

// Other logins are those of the configuration's package.
func TestOtherLogins(t *testing.T) {
	text, err := ask(t, client(t, "authorization: {credentials: hunter2}"), echo(t))
	require.NoError(t, err)
	require.Equal(t, "Bearer hunter2", text)
	_, err = NewClient(commoncfg.HTTPClientConfig{OAuth2: &commoncfg.OAuth2{ClientSecretRef: "x"}}, "test")
	require.ErrorContains(t, err, "secret ref without manager")
}
