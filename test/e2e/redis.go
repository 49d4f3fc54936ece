package e2e

import (
	"bufio"
	"errors"
	"net"
	"testing"
	"time"
)

// StartRedis runs a redis-server that keeps everything in memory and returns
// its address.
func StartRedis(t testing.TB) string {
	t.Helper()
	path := tool(t, "redis", "redis-server")
	dir := t.TempDir()
	_, addr := startOnFreePort(t, "redis-server", path,
		func(addr string) []string {
			host, port, err := net.SplitHostPort(addr)
			if err != nil {
				t.Fatal(err)
			}
			return []string{"--bind", host, "--port", port, "--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no"}
		}, ping)
	return addr
}

// ping checks whether a Redis answers.
func ping(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && line != "+PONG\r\n" {
		err = errors.New(line)
	}
	return err
}
