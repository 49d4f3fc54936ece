// Command grafana writes the dashboards and the rules of gorowatch.
//
//	go run . [--config=mixin.yml] [--out=.]
//
// With a configuration of your own the rules select your job, link to your
// runbooks, and wait as long as you like.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	config := flag.String("config", "mixin.yml", "configuration of the rules and dashboards")
	out := flag.String("out", ".", "folder to write dashboards/ and rules/ in")
	flag.Parse()
	if err := run(*config, *out); err != nil {
		fmt.Fprintln(os.Stderr, "grafana:", err)
		os.Exit(1)
	}
}

func run(config, out string) error {
	c, err := loadConfig(config)
	if err != nil {
		return err
	}
	files, err := generate(c)
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate makes all files, by their slash-separated names.
func generate(c config) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, d := range []board{fleet(c), service(c), self(c)} {
		text, err := d.json()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.uid, err)
		}
		files["dashboards/"+d.uid+".json"] = text
	}
	for name, groups := range map[string][]group{"gorowatch": selfRules(c), "leaks": leakRules(c)} {
		text, err := rulesYAML(groups)
		if err != nil {
			return nil, fmt.Errorf("rules of %s: %w", name, err)
		}
		files["rules/"+name+".yaml"] = text
	}
	return files, nil
}
