package fetch

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"sync"

	"github.com/golang-jwt/jwt/v5"
	commoncfg "github.com/prometheus/common/config"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// grantJWT is the grant type of RFC 7523.
const grantJWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// NewClient makes the HTTP client of a configuration, like NewClientFromConfig of the
// configuration's package. It requests OAuth2 tokens itself: the package's client follows every
// redirect of the token server, with the client's secret in the request.
func NewClient(c commoncfg.HTTPClientConfig, name string, o ...commoncfg.HTTPClientOption) (*http.Client, error) {
	login := c.OAuth2
	if login == nil || login.ClientSecretRef != "" || login.ClientCertificateKeyRef != "" {
		return commoncfg.NewClientFromConfig(c, name, o...)
	}
	c.OAuth2 = nil
	client, err := commoncfg.NewClientFromConfig(c, name, o...)
	if err != nil {
		return nil, err
	}
	asking, err := commoncfg.NewClientFromConfig(commoncfg.HTTPClientConfig{
		TLSConfig: login.TLSConfig, ProxyConfig: login.ProxyConfig, FollowRedirects: true,
	}, name, o...)
	if err != nil {
		return nil, err
	}
	source := &tokens{login: login, secret: clientSecret(login), client: Confine(asking, Rules{Advice: "set oauth2.token_url to the address that answers"})}
	client.Transport = &loggedIn{Transport: oauth2.Transport{Source: source, Base: client.Transport}, client: client.Transport, tokens: asking}
	return client, nil
}

// loggedIn adds a token to each request.
type loggedIn struct {
	oauth2.Transport
	client http.RoundTripper
	tokens *http.Client
}

// CloseIdleConnections is called by the method of http.Client with the same name.
func (l *loggedIn) CloseIdleConnections() {
	if t, ok := l.client.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	l.tokens.CloseIdleConnections()
}

// clientSecret returns the secret that proves who requests a token.
func clientSecret(login *commoncfg.OAuth2) commoncfg.SecretReader {
	text, file := login.ClientSecret, login.ClientSecretFile
	if login.GrantType == grantJWT {
		text, file = login.ClientCertificateKey, login.ClientCertificateKeyFile
	}
	if text == "" && file != "" {
		return commoncfg.NewFileSecret(file)
	}
	return commoncfg.NewInlineSecret(string(text))
}

// tokens is an oauth2.TokenSource that reads the secret again before each use, because it may
// be in a file that changes.
type tokens struct {
	login  *commoncfg.OAuth2
	secret commoncfg.SecretReader
	client *http.Client

	mtx    sync.Mutex
	last   string // the secret of source
	source oauth2.TokenSource
}

func (t *tokens) Token() (*oauth2.Token, error) {
	secret, err := t.secret.Fetch(context.Background())
	if err != nil {
		return nil, err
	}
	t.mtx.Lock()
	if t.source == nil || secret != t.last {
		t.source, t.last = t.with(secret), secret
	}
	source := t.source
	t.mtx.Unlock()
	return source.Token()
}

// with returns the source of tokens for a secret.
func (t *tokens) with(secret string) oauth2.TokenSource {
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, t.client)
	params := url.Values{}
	for k, v := range t.login.EndpointParams {
		params.Set(k, v)
	}
	if t.login.GrantType != grantJWT {
		c := clientcredentials.Config{
			ClientID: t.login.ClientID, ClientSecret: secret, Scopes: t.login.Scopes, TokenURL: t.login.TokenURL, EndpointParams: params,
		}
		return c.TokenSource(ctx)
	}
	algorithm := map[string]*jwt.SigningMethodRSA{"RS384": jwt.SigningMethodRS384, "RS512": jwt.SigningMethodRS512}[t.login.SignatureAlgorithm]
	if algorithm == nil {
		algorithm = jwt.SigningMethodRS256
	}
	c := commoncfg.JwtGrantTypeConfig{
		PrivateKey: []byte(secret), PrivateKeyID: t.login.ClientCertificateKeyID, SigningAlgorithm: algorithm, Scopes: t.login.Scopes,
		TokenURL: t.login.TokenURL, Iss: cmp.Or(t.login.Iss, t.login.ClientID), Subject: t.login.ClientID, Audience: t.login.Audience,
		PrivateClaims: t.login.Claims, EndpointParams: params,
	}
	return c.TokenSource(ctx)
}
