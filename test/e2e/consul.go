package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Consul is an agent and server that also resolves the names of its services.
type Consul struct {
	Address string // host:port of its API
	// NameServer is the address, without port, at which it answers DNS; empty: it does not
	NameServer string
}

// StartConsul runs a Consul without stored state. With dns, which takes root, it is a name
// server at an unused address of this host.
func StartConsul(t testing.TB, dns bool) *Consul {
	t.Helper()
	path := tool(t, "consul", "consul")
	c := &Consul{}
	port := func() string {
		_, port, err := net.SplitHostPort(freeAddress(t))
		if err != nil {
			t.Fatal(err)
		}
		return port
	}
	var p *Program
	p, c.Address = startOnFreePort(t, "consul", path, func(addr string) []string {
		_, http, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		args := []string{
			"agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1", "-log-level=warn", "-disable-host-node-id",
			"-http-port=" + http, "-server-port=" + port(), "-serf-lan-port=" + port(), "-serf-wan-port=-1", "-grpc-port=-1",
			"-hcl=performance { raft_multiplier = 1 }", "-hcl=disable_update_check = true",
		}
		if !dns {
			return append(args, "-dns-port=-1")
		}
		c.NameServer = ownAddress()
		return append(args, "-dns-port=53", fmt.Sprintf("-hcl=addresses { dns = %q }", c.NameServer))
	}, func(addr string) error { return answers("http://" + addr + "/v1/status/leader") })
	t.Cleanup(func() { p.Kill(t) }) // it stores nothing, and after SIGTERM it exits with 1
	return c
}

// Register registers an instance of a service, and Deregister removes it.
func (c *Consul) Register(t testing.TB, service, id, addr string, meta map[string]string) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"Name": service, "ID": id, "Address": host, "Port": json.Number(port), "Meta": meta})
	if err != nil {
		t.Fatal(err)
	}
	c.put(t, "/v1/agent/service/register", body)
}

// Deregister is the opposite of Register.
func (c *Consul) Deregister(t testing.TB, id string) {
	t.Helper()
	c.put(t, "/v1/agent/service/deregister/"+id, nil)
}

func (c *Consul) put(t testing.TB, path string, body []byte) {
	t.Helper()
	// The agent is up before it has elected itself.
	Eventually(t, startTime, "Consul takes "+path, func() error {
		return request(t.Context(), http.MethodPut, "http://"+c.Address+path, bytes.NewReader(body))
	})
}

// asking returns the command that runs another one with a given name server; needNames reports
// whether that is possible.
func asking(t testing.TB, nameServer string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver "+nameServer+"\n"), 0o644); err != nil { //nolint:gosec // who is not root reads it too
		t.Fatal(err)
	}
	return []string{"unshare", "--mount", "sh", "-c", `mount --bind "$0" /etc/resolv.conf && exec "$@"`, file}
}

// needNames skips a test if it cannot have its own name server or resolv.conf: that takes root,
// and more than some containers allow.
func needNames(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a name server and a resolv.conf of its own take root")
	}
	if out, err := exec.Command("unshare", "--mount", "true").CombinedOutput(); err != nil {
		t.Skipf("no mounts of its own: %v: %s", err, out)
	}
	conn, err := net.ListenPacket("udp", net.JoinHostPort(ownAddress(), "53"))
	if err != nil {
		t.Skipf("no name server of its own: %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

// ownAddress returns an address of this host that is most likely unused.
func ownAddress() string {
	return fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), 1+rand.IntN(250), 1+rand.IntN(250))
}
