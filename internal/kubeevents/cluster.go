package kubeevents

import (
	"errors"
	"net"
	"net/url"
	"os"

	commoncfg "github.com/prometheus/common/config"
)

// Files of the service account of a pod.
const (
	tokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token"
	caFile    = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
)

// OwnCluster returns the API server of the cluster that this process runs in, and the
// credentials of its service account. The token is read again when it changes.
func OwnCluster() (*url.URL, commoncfg.HTTPClientConfig, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, commoncfg.HTTPClientConfig{}, errors.New("gorowatch does not run in a Kubernetes cluster; set api_server")
	}
	c := commoncfg.DefaultHTTPClientConfig
	c.Authorization = &commoncfg.Authorization{Type: "Bearer", CredentialsFile: tokenFile}
	c.TLSConfig = commoncfg.TLSConfig{CAFile: caFile}
	return &url.URL{Scheme: "https", Host: net.JoinHostPort(host, port)}, c, nil
}
