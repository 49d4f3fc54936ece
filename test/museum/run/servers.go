package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// errNoServer is that of a server which test/tools/install.sh has not fetched.
var errNoServer = errors.New("the server is missing")

// tool is the path of a program that test/tools/install.sh has put into its cache.
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

// server shows a real server, which is not ours.
func (s *Stage) server(c Case, kind string) error {
	addr, err := freeAddress()
	if err != nil {
		return err
	}
	dir := filepath.Join(s.dir, c.Name+"-"+kind)
	var path string
	var args []string
	switch c.Server {
	case "etcd":
		path, err = tool("etcd", "etcd")
		var peer string
		if err == nil {
			peer, err = freeAddress()
		}
		args = []string{"--data-dir=" + dir, "--enable-pprof", "--log-level=error",
			"--listen-client-urls=http://" + addr, "--advertise-client-urls=http://" + addr,
			"--listen-peer-urls=http://" + peer, "--initial-advertise-peer-urls=http://" + peer, "--initial-cluster=default=http://" + peer}
	case "victoriametrics":
		path, err = tool("victoriametrics", "victoria-metrics")
		args = []string{"-httpListenAddr=" + addr, "-storageDataPath=" + dir, "-retentionPeriod=1", "-memory.allowedBytes=64MB"}
	default:
		err = fmt.Errorf("server %q: want etcd or victoriametrics", c.Server)
	}
	if err != nil {
		return err
	}
	shown := Shown{Case: c, Kind: kind, Addr: addr, At: time.Now()}
	p, err := startQuiet(shown.job(), path, args...)
	if err != nil {
		return err
	}
	s.all = append(s.all, p)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		_, err := get("http://" + addr + "/metrics")
		if err == nil {
			break
		}
		if err := errors.Join(p.alive(), err); p.alive() != nil || time.Now().After(deadline) {
			return fmt.Errorf("%s: %w", shown.job(), err)
		}
	}
	s.Shown = append(s.Shown, shown)
	return nil
}

// freeAddress is one that nobody listened on a moment ago.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
