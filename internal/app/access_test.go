package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// certificate makes a self-signed certificate for the server and its client, and writes it and
// its key.
func certificate(t *testing.T, dir string) (cert tls.Certificate, certFile, keyFile string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gorowatch"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	cert, err = tls.X509KeyPair(certPEM, keyPEM)
	require.NoError(t, err)
	return cert, write(t, filepath.Join(dir, "cert.pem"), string(certPEM)), write(t, filepath.Join(dir, "key.pem"), string(keyPEM))
}

// TestAccess: pages, API and metrics need both the certificate and the password of the web
// configuration.
func TestAccess(t *testing.T) {
	dir := t.TempDir()
	cert, certFile, keyFile := certificate(t, dir)
	const password = "abacus"
	file := write(t, filepath.Join(dir, "web.yml"), "tls_server_config: {cert_file: "+certFile+", key_file: "+keyFile+
		", client_auth_type: RequireAndVerifyClientCert, client_ca_file: "+certFile+"}\n"+
		"basic_auth_users: {oncall: $2a$04$WJ.FENak60oXkyNXo0tc4e3rrvXWkvAsQSoUgHYHnZRqoVZJbVAyq}\n")
	o := Options{Web: listenOn("127.0.0.1:0"), Config: fast(t, newPrometheus(t).URL)}
	o.Web.WebConfigFile = &file
	r := start(t, o)
	require.Equal(t, "https://"+r.Addr()+"/", r.ExternalURL().String())

	roots := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	require.NoError(t, err)
	roots.AddCert(leaf)
	ask := func(path, password string, certificates ...tls.Certificate) (int, error) {
		transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certificates}}
		defer transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+r.Addr()+path, nil)
		require.NoError(t, err)
		if password != "" {
			req.SetBasicAuth("oncall", password)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode, errors.Join(err, resp.Body.Close())
	}
	for _, path := range []string{"/", "/services", "/api/v1/leaks", "/metrics", "/static/page.js"} {
		code, err := ask(path, password, cert)
		require.NoError(t, err, path)
		require.Equal(t, http.StatusOK, code, path)
		code, err = ask(path, "wrong", cert)
		require.NoError(t, err, path)
		require.Equal(t, http.StatusUnauthorized, code, path)
		code, err = ask(path, "", cert)
		require.NoError(t, err, path)
		require.Equal(t, http.StatusUnauthorized, code, path)
		_, err = ask(path, password)
		require.ErrorContains(t, err, "certificate", path)
	}
}

func TestDebugListener(t *testing.T) {
	r := start(t, Options{Config: fast(t, newPrometheus(t).URL)})
	require.Empty(t, r.DebugAddr(), "off by default")
	code, _ := r.get("/debug/pprof/")
	require.Equal(t, http.StatusNotFound, code)

	r = start(t, Options{Config: fast(t, newPrometheus(t).URL), DebugAddress: "127.0.0.1:0"})
	code, _ = r.get("/debug/pprof/")
	require.Equal(t, http.StatusNotFound, code, "not where the pages are")
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.DebugAddr()+path, nil)
		require.NoError(t, err)
		resp, err := r.client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode, path)
	}
}
