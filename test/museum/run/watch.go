package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Watch has the servers that watch the programs: a Prometheus, gorowatch, and the Alertmanager
// that receives the alerts.
type Watch struct {
	o            Options
	stage        *Stage
	dir          string // of their data
	all          processes
	alertmanager *Alertmanager
	gorowatch    string // base URL
	prometheus   string // base URL
	log          string // file
}

// newWatch starts them in their own folder.
func newWatch(o Options, stage *Stage, prometheus, gorowatch string) (*Watch, error) {
	dir, err := os.MkdirTemp("", "museum-watch-")
	if err != nil {
		return nil, err
	}
	w := &Watch{o: o, stage: stage, dir: dir}
	if w.alertmanager, err = newAlertmanager(); err == nil {
		err = w.startPrometheus(prometheus)
	}
	if err == nil {
		err = w.startGorowatch(gorowatch)
	}
	if err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

// stop ends all, and deletes their data.
func (w *Watch) stop() {
	w.all.stop()
	if w.alertmanager != nil {
		_ = w.alertmanager.server.Close()
	}
	_ = os.RemoveAll(w.dir)
}

func (w *Watch) file(name, text string) (string, error) {
	path := filepath.Join(w.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// scaled converts a time of life to the clock of this machine.
func (w *Watch) scaled(d time.Duration) string {
	return fmt.Sprintf("%dms", time.Duration(float64(d)/w.o.speed).Milliseconds())
}

// startPrometheus scrapes each program and itself every 15 seconds of life.
func (w *Watch) startPrometheus(binary string) error {
	var config strings.Builder
	fmt.Fprintf(&config, "global: {scrape_interval: %[1]s, scrape_timeout: %[1]s}\nscrape_configs:\n", w.scaled(15*time.Second))
	for _, s := range w.stage.Shown {
		config.WriteString(s.scrapeConfig())
	}
	// It cannot choose a port by itself, so it gets one that was free a moment ago.
	addr, err := freeAddress()
	if err != nil {
		return err
	}
	fmt.Fprintf(&config, "- {job_name: prometheus, static_configs: [{targets: [%q], labels: {namespace: museum}}]}\n", addr)
	path, err := w.file("prometheus.yml", config.String())
	if err != nil {
		return err
	}
	ready := regexp.MustCompile(`Server is ready to receive web requests`)
	p, _, err := start("prometheus", ready, nil, binary, "--config.file="+path, "--storage.tsdb.path="+filepath.Join(w.dir, "tsdb"),
		"--web.listen-address="+addr, "--web.enable-admin-api")
	if err != nil {
		return err
	}
	w.all = append(w.all, p)
	w.prometheus = "http://" + addr
	w.stage.Shown = append(w.stage.Shown, Shown{
		Case: Case{Name: "prometheus", Why: "the Prometheus that scrapes all of this and is queried by gorowatch"}, Kind: "healthy", Addr: addr, At: time.Now(),
	})
	return nil
}

// startGorowatch runs it at its defaults, or with all times scaled.
func (w *Watch) startGorowatch(binary string) error {
	config := fmt.Sprintf("prometheus: {url: %q}\nalerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}\n", w.prometheus, w.alertmanager.addr())
	if w.o.speed != 1 {
		minute := w.scaled(time.Minute)
		config += fmt.Sprintf("global: {evaluation_interval: %s}\ntrend: {base: %s}\n", minute, minute)
		config += fmt.Sprintf("profiles: {baseline_interval: %s, suspicion_interval: %s, target_cpu: %g}\n",
			w.scaled(time.Hour), w.scaled(2*time.Minute), min(0.001*w.o.speed, 1))
	}
	path, err := w.file("gorowatch.yml", config)
	if err != nil {
		return err
	}
	w.log = filepath.Join(w.dir, "gorowatch.log")
	log, err := os.Create(w.log)
	if err != nil {
		return err
	}
	says := regexp.MustCompile(`msg="?Listening"? .*?address=(\S+)`)
	p, said, err := start("gorowatch", says, log, binary, "serve", "--config.file="+path,
		"--web.listen-address=127.0.0.1:0", "--storage.url=file://"+filepath.Join(w.dir, "bucket"))
	if err != nil {
		return err
	}
	w.all = append(w.all, p)
	w.gorowatch = "http://" + said[1]
	return nil
}

// wait returns when the show is over, or with an error when a program has ended early.
func (w *Watch) wait(ctx context.Context, wall time.Duration) error {
	over := time.After(wall)
	for {
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(time.Minute, wall/4)):
			if err := errors.Join(w.all.alive(), w.stage.all.alive()); err != nil {
				return err
			}
			w.alertmanager.mu.Lock()
			say("%d alerts", len(w.alertmanager.order))
			w.alertmanager.mu.Unlock()
		}
	}
}

// tail returns the end of gorowatch's log, as an error.
func (w *Watch) tail() error {
	text, err := os.ReadFile(w.log)
	if err != nil {
		return err
	}
	return errors.New(string(text[max(len(text)-4000, 0):]))
}

// save stores series, profiles and truth, so that `gorowatch scan` can replay them.
func (w *Watch) save(e *Evidence) error {
	resp, err := client.Post(w.prometheus+"/api/v1/admin/tsdb/snapshot", "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct{ Name string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Data.Name == "" {
		return fmt.Errorf("snapshot of the Prometheus: %s: %w", resp.Status, err)
	}
	if err := os.MkdirAll(w.o.keep, 0o755); err != nil {
		return err
	}
	for from, to := range map[string]string{
		filepath.Join(w.dir, "tsdb", "snapshots", answer.Data.Name): "tsdb",
		filepath.Join(w.dir, "bucket"):                              "bucket",
	} {
		target := filepath.Join(w.o.keep, to)
		if err := os.RemoveAll(target); err != nil {
			return err
		}
		if err := os.CopyFS(target, os.DirFS(from)); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(w.log)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.o.keep, "gorowatch.log"), text, 0o644); err != nil {
		return err
	}
	return e.writeJSON(filepath.Join(w.o.keep, "evidence.json"))
}
