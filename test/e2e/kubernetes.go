package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Kubernetes is a real API server with its etcd. It has no scheduler, kubelet or controller:
// nothing makes a pod of a deployment, and pods run when their status says so.
type Kubernetes struct {
	// URL of the API, CAFile its certificate
	URL, CAFile string
	// Kubeconfig is a file for clients with all rights
	Kubeconfig string

	client *http.Client
	token  string
}

// StartKubernetes runs an API server with RBAC until the test ends.
func StartKubernetes(t testing.TB) *Kubernetes {
	t.Helper()
	etcd, apiserver := tool(t, "kubernetes", "etcd"), tool(t, "kubernetes", "kube-apiserver")
	dir := t.TempDir()
	e, etcdAddr := startOnFreePort(t, "etcd", etcd,
		func(addr string) []string {
			return []string{
				"--data-dir=" + filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--log-level=error",
				"--listen-client-urls=http://" + addr, "--advertise-client-urls=http://" + addr,
				"--listen-peer-urls=http://127.0.0.1:0",
			}
		},
		func(addr string) error { return answers("http://" + addr + "/health") })
	t.Cleanup(func() { e.Kill(t) }) // after SIGTERM it ends by that very signal

	k := &Kubernetes{token: "everything", CAFile: filepath.Join(dir, "pki", "apiserver.crt"), Kubeconfig: filepath.Join(dir, "kubeconfig")}
	key := filepath.Join(dir, "sa.key")
	writeKey(t, key)
	tokens := filepath.Join(dir, "tokens.csv")
	write(t, tokens, k.token+`,admin,uid,"system:masters"`+"\n")
	a, addr := startOnFreePort(t, "kube-apiserver", apiserver,
		func(addr string) []string {
			_, port, _ := net.SplitHostPort(addr)
			return []string{
				"--etcd-servers=http://" + etcdAddr,
				"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + port,
				"--cert-dir=" + filepath.Dir(k.CAFile),
				"--service-account-key-file=" + key, "--service-account-signing-key-file=" + key,
				"--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.99.0.0/24",
				"--token-auth-file=" + tokens, "--authorization-mode=RBAC",
				"--endpoint-reconciler-type=none", "--disable-admission-plugins=ServiceAccount",
			}
		},
		func(addr string) error {
			k.URL = "https://" + addr
			return k.ready()
		})
	t.Cleanup(func() { a.Kill(t) }) // it would wait for watches to end
	t.Cleanup(func() { k.client.CloseIdleConnections() })
	k.URL = "https://" + addr
	write(t, k.Kubeconfig, fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: admin, user: {token: %q}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
`, k.URL, k.CAFile, k.token))
	return k
}

// ready checks whether the server is ready; its certificate is made at the start.
func (k *Kubernetes) ready() error {
	ca, err := os.ReadFile(k.CAFile)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return fmt.Errorf("%s: no certificate yet", k.CAFile)
	}
	if k.client != nil {
		k.client.CloseIdleConnections()
	}
	k.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: startTime}
	_, err = k.do(http.MethodGet, "/readyz", "", "")
	return err
}

// do makes a request with all rights.
func (k *Kubernetes) do(method, path, contentType, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, k.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+k.token)
	req.Header.Set("Content-Type", contentType)
	resp, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	return answer, err
}

// Apply makes an object, or changes it, by server-side apply. path is that of the object, e.g.
// /api/v1/namespaces/prod/pods/shop-1; yaml is all of it. Unknown fields are an error.
func (k *Kubernetes) Apply(t testing.TB, path, yaml string) {
	t.Helper()
	if _, err := k.do(http.MethodPatch, path+"?fieldManager=test&force=true&fieldValidation=Strict", "application/apply-patch+yaml", yaml); err != nil {
		t.Fatal(err)
	}
}

// Delete deletes an object at once.
func (k *Kubernetes) Delete(t testing.TB, path string) {
	t.Helper()
	if _, err := k.do(http.MethodDelete, path+"?gracePeriodSeconds=0", "", ""); err != nil {
		t.Fatal(err)
	}
}

// DryRun checks whether the server would accept a new object, JSON, at the path of its kind,
// without making it. Unknown fields are an error.
func (k *Kubernetes) DryRun(path, object string) error {
	_, err := k.do(http.MethodPost, path+"?dryRun=All&fieldValidation=Strict", "application/json", object)
	return err
}

// Serves checks whether something exists at path.
func (k *Kubernetes) Serves(path string) error {
	_, err := k.do(http.MethodGet, path, "", "")
	return err
}

// Get decodes the object at path into v.
func (k *Kubernetes) Get(t testing.TB, path string, v any) {
	t.Helper()
	answer, err := k.do(http.MethodGet, path, "", "")
	if err == nil {
		err = json.Unmarshal(answer, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Token returns a token of a service account, as its pods get it.
func (k *Kubernetes) Token(t testing.TB, namespace, serviceAccount string) string {
	t.Helper()
	answer, err := k.do(http.MethodPost, "/api/v1/namespaces/"+namespace+"/serviceaccounts/"+serviceAccount+"/token",
		"application/json", `{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}`)
	if err != nil {
		t.Fatal(err)
	}
	var request struct{ Status struct{ Token string } }
	if err := json.Unmarshal(answer, &request); err != nil || request.Status.Token == "" {
		t.Fatalf("token of %s/%s: %v: %s", namespace, serviceAccount, err, answer)
	}
	return request.Status.Token
}

// RunPod makes a pod of a YAML spec and reports, in place of the kubelet, that it runs at
// 127.0.0.1. metadata is further YAML under metadata, e.g. annotations.
func (k *Kubernetes) RunPod(t testing.TB, namespace, name, metadata, spec string) {
	t.Helper()
	path := "/api/v1/namespaces/" + namespace + "/pods/" + name
	pod := fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata:\n  name: %q\n%s\nspec:\n%s\n", name, indent(metadata), indent(spec))
	k.Apply(t, path, pod)
	status := `{"status": {"phase": "Running", "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}], "hostIP": "127.0.0.1",
		"conditions": [{"type": "Ready", "status": "True"}]}}`
	if _, err := k.do(http.MethodPatch, path+"/status", "application/merge-patch+json", status); err != nil {
		t.Fatal(err)
	}
}

func indent(yaml string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(yaml, "\n"), "\n", "\n  ")
}

// writeKey makes the key that signs tokens of service accounts.
func writeKey(t testing.TB, path string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := pem.Encode(&text, &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}); err != nil {
		t.Fatal(err)
	}
	write(t, path, text.String())
}
