package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// errNoServer means that test/tools/install.sh has not installed a server.
var errNoServer = errors.New("the server is missing")

// tool returns the path of a program that test/tools/install.sh has put into its cache.
func tool(name, binary string) (string, error) {
	cache := os.Getenv("GOROWATCH_TOOLS")
	if cache == "" {
		dir := os.Getenv("XDG_CACHE_HOME")
		if dir == "" {
			dir = filepath.Join(os.Getenv("HOME"), ".cache")
		}
		cache = filepath.Join(dir, "gorowatch-tools")
	}
	path := filepath.Join(cache, name, "current", binary)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w: run test/tools/install.sh %s (%s)", errNoServer, name, path)
	}
	return path, nil
}

// server shows a real server that is not one of the museum's programs.
func (s *Stage) server(c Case, kind string) error {
	addr, err := freeAddress()
	if err != nil {
		return err
	}
	shown := Shown{Case: c, Kind: kind, Addr: addr}
	dir := filepath.Join(s.dir, c.Name+"-"+kind)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var path string
	var args []string
	switch c.Server {
	case "etcd":
		path, err = tool("etcd", "etcd")
		if err == nil {
			args, err = etcdArgs(addr, dir)
		}
		args = append(args, "--enable-pprof")
	case "victoriametrics":
		path, err = tool("victoriametrics", "victoria-metrics")
		args = []string{"-httpListenAddr=" + addr, "-storageDataPath=" + dir, "-retentionPeriod=1", "-memory.allowedBytes=64MB"}
	case "alertmanager":
		path, err = tool("alertmanager", "alertmanager")
		config := filepath.Join(s.dir, c.Name+".yml")
		if err == nil { // its receiver has no integrations, so it sends nothing
			err = os.WriteFile(config, []byte("route: {receiver: nobody, group_by: [job], group_wait: 10s}\nreceivers: [{name: nobody}]\n"), 0o600)
		}
		args = []string{"--config.file=" + config, "--storage.path=" + dir, "--web.listen-address=" + addr, "--cluster.listen-address="}
	case "consul":
		path, err = tool("consul", "consul")
		if err == nil {
			args, err = consulArgs(addr)
		}
		shown.metrics = "/v1/agent/metrics?format=prometheus"
	case "kubernetes":
		path, args, err = s.kubernetes(addr, dir)
		shown.scheme = "https"
	default:
		err = fmt.Errorf("server %q: want alertmanager, consul, etcd, kubernetes or victoriametrics", c.Server)
	}
	if err != nil {
		return err
	}
	shown.At = time.Now()
	if err := s.ready(shown, path, args); err != nil {
		return err
	}
	s.Shown = append(s.Shown, shown)
	return nil
}

// ready starts a server, and waits until it has metrics.
func (s *Stage) ready(shown Shown, path string, args []string) error {
	p, err := startQuiet(shown.job(), path, args...)
	if err != nil {
		return err
	}
	s.all = append(s.all, p)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		_, err := shown.scraped()
		if err == nil {
			return nil
		}
		if err := errors.Join(p.alive(), err); p.alive() != nil || time.Now().After(deadline) {
			return fmt.Errorf("%s: %w", shown.job(), err)
		}
	}
}

// etcdArgs are the flags of an etcd of one member.
func etcdArgs(addr, dir string) ([]string, error) {
	peer, err := freeAddress()
	return []string{
		"--data-dir=" + filepath.Join(dir, "etcd"), "--log-level=error",
		"--listen-client-urls=http://" + addr, "--advertise-client-urls=http://" + addr,
		"--listen-peer-urls=http://" + peer, "--initial-advertise-peer-urls=http://" + peer, "--initial-cluster=default=http://" + peer,
	}, err
}

// consulArgs are the flags of a Consul without stored state, whose metrics and profiles can be
// had.
func consulArgs(addr string) ([]string, error) {
	args := []string{
		"agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1", "-log-level=error", "-disable-host-node-id",
		"-serf-wan-port=-1", "-grpc-port=-1", "-dns-port=-1", "-http-port=" + port(addr),
		"-hcl=enable_debug = true", "-hcl=disable_update_check = true",
		`-hcl=telemetry { prometheus_retention_time = "10m" }`,
		"-hcl=limits { http_max_conns_per_client = 5000 }", // all of the crowd has one address
	}
	for _, name := range []string{"server", "serf-lan"} {
		other, err := freeAddress()
		if err != nil {
			return nil, err
		}
		args = append(args, "-"+name+"-port="+port(other))
	}
	return args, nil
}

// port returns the port of an address.
func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// freeAddress returns an address that was unused a moment ago.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
