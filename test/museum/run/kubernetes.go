package main

import (
	"os"
	"path/filepath"

	"k8s.io/client-go/util/cert"
)

// everybody is a policy by which a client without a name may do everything.
const everybody = `{"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", ` +
	`"spec": {"group": "system:unauthenticated", "namespace": "*", "resource": "*", "apiGroup": "*", "nonResourcePath": "*"}}`

// kubernetes starts the etcd of a kube-apiserver, and returns the server's path and flags. It
// has no kubelets and no controllers. This process and those that it starts later trust its
// certificate.
func (s *Stage) kubernetes(addr, dir string) (string, []string, error) {
	path, err := tool("kubernetes", "kube-apiserver")
	if err != nil {
		return "", nil, err
	}
	etcd, err := tool("kubernetes", "etcd")
	if err != nil {
		return "", nil, err
	}
	etcdAddr, err := freeAddress()
	if err != nil {
		return "", nil, err
	}
	args, err := etcdArgs(etcdAddr, dir)
	if err != nil {
		return "", nil, err
	}
	if err := s.ready(Shown{Case: Case{Name: "etcd of kubernetes"}, Addr: etcdAddr}, etcd, args); err != nil {
		return "", nil, err
	}
	certificate, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", nil, nil)
	if err != nil {
		return "", nil, err
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	for name, data := range map[string][]byte{"tls.crt": certificate, "tls.key": key, "policy.json": []byte(everybody)} {
		if err := os.WriteFile(file(name), data, 0o600); err != nil {
			return "", nil, err
		}
	}
	if err := os.Setenv("SSL_CERT_FILE", file("tls.crt")); err != nil {
		return "", nil, err
	}
	s.world = append(s.world, "-kube=https://"+addr)
	return path, []string{
		"--etcd-servers=http://" + etcdAddr,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + port(addr),
		"--tls-cert-file=" + file("tls.crt"), "--tls-private-key-file=" + file("tls.key"),
		"--service-account-key-file=" + file("tls.key"), "--service-account-signing-key-file=" + file("tls.key"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.99.0.0/24",
		"--authorization-mode=ABAC", "--authorization-policy-file=" + file("policy.json"),
		"--endpoint-reconciler-type=none", "--disable-admission-plugins=ServiceAccount",
	}, nil
}
