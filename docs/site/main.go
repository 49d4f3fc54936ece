// Command site writes the documentation as a web site, or serves it.
//
//	go run ./docs/site -out=dist/site -base=/gorowatch
//	go run ./docs/site -listen=127.0.0.1:8000
package main

import (
	"bytes"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/docs"
	"github.com/gorowatch/gorowatch/internal/web/help"
)

// home is the page that a reader arrives at, and whose sections are the menu.
const home = "README"

//go:embed page.html
var pageHTML string

//go:embed style.css
var style []byte

func main() {
	out := flag.String("out", "dist/site", "folder to write the site to")
	base := flag.String("base", "", "path that the site is served under, such as /gorowatch")
	listen := flag.String("listen", "", "address to serve the site on, instead of writing it")
	flag.Parse()
	if err := run(*out, strings.TrimRight(*base, "/"), *listen); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
}

func run(out, base, listen string) error {
	files, err := build(base)
	if err != nil {
		return err
	}
	if listen != "" {
		return serve(files, base, listen)
	}
	for name, content := range files {
		file := filepath.Join(out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("%d files in %s; every link leads somewhere\n", len(files), out)
	return nil
}

// page is what the template shows.
type page struct {
	Base, Title, Source string
	Menu                []section
	Body                template.HTML
}

// section is a heading of the home page with the links below it.
type section struct {
	Title string
	Links []menuLink
}

type menuLink struct {
	Title, Href string
	Here        bool
}

// build renders all pages and checks every link between them. The result is keyed by the
// path within the site.
func build(base string) (map[string][]byte, error) {
	layout, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, err
	}
	start, ok := help.Render(base, home)
	if !ok {
		return nil, errors.New("docs/README.md: cannot be rendered")
	}
	files := map[string][]byte{"style.css": style, ".nojekyll": nil}
	err = fs.WalkDir(docs.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if path.Ext(name) != ".md" {
			files[name], err = docs.Files.ReadFile(name)
			return err
		}
		name = strings.TrimSuffix(name, ".md")
		rendered, ok := help.Render(base, name)
		if !ok {
			return fmt.Errorf("docs/%s.md: cannot be rendered", name)
		}
		var b bytes.Buffer
		if err := layout.Execute(&b, page{
			Base: base, Title: rendered.Title, Body: rendered.HTML, Menu: menu(string(start.HTML), base+"/"+name),
			Source: "https://github.com/gorowatch/gorowatch/edit/main/docs/" + name + ".md",
		}); err != nil {
			return fmt.Errorf("docs/%s.md: %w", name, err)
		}
		files[name+"/index.html"] = b.Bytes()
		if name == home {
			files["index.html"] = b.Bytes()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return files, checkLinks(files, base)
}

var (
	menuEntry = regexp.MustCompile(`<h2[^>]*>(.*?)</h2>|<a href="([^"]+)"[^>]*>(.*?)</a>`)
	tag       = regexp.MustCompile(`<[^>]*>`)
	reference = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	anchor    = regexp.MustCompile(`\bid="([^"]*)"`)
)

// menu reads the sections of the home page and the links in them.
func menu(homeHTML, here string) (sections []section) {
	for _, m := range menuEntry.FindAllStringSubmatch(homeHTML, -1) {
		switch {
		case m[1] != "":
			sections = append(sections, section{Title: tag.ReplaceAllString(m[1], "")})
		case len(sections) > 0 && strings.HasPrefix(m[2], "/"):
			last := &sections[len(sections)-1]
			last.Links = append(last.Links, menuLink{Title: tag.ReplaceAllString(m[3], ""), Href: m[2], Here: m[2] == here})
		}
	}
	return sections
}

// checkLinks reports every link within the site that leads nowhere.
func checkLinks(files map[string][]byte, base string) error {
	anchors := map[string]map[string]bool{}
	for name, content := range files {
		anchors[name] = map[string]bool{}
		for _, m := range anchor.FindAllSubmatch(content, -1) {
			anchors[name][string(m[1])] = true
		}
	}
	var errs []error
	for name, content := range files {
		if path.Ext(name) != ".html" {
			continue
		}
		for _, m := range reference.FindAllSubmatch(content, -1) {
			target, fragment, _ := strings.Cut(string(m[1]), "#")
			to := name
			if target != "" {
				rest, isOurs := strings.CutPrefix(target, base+"/")
				if !isOurs || strings.HasPrefix(target, "//") {
					continue // another site
				}
				to = strings.TrimPrefix(rest, "/")
				if _, ok := files[to]; !ok {
					to = path.Join(to, "index.html")
				}
			}
			if _, ok := files[to]; !ok {
				errs = append(errs, fmt.Errorf("%s: link to %s: no such page", name, m[1]))
			} else if fragment != "" && !anchors[to][fragment] {
				errs = append(errs, fmt.Errorf("%s: link to %s: no such heading", name, m[1]))
			}
		}
	}
	return errors.Join(errs...)
}

// serve shows the site until the process ends.
func serve(files map[string][]byte, base, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	slog.Info("Serving the documentation", "url", "http://"+listener.Addr().String()+base+"/")
	server := &http.Server{Handler: handler(files, base), ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}

func handler(files map[string][]byte, base string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, base), "/")
		content, ok := files[name]
		if !ok {
			name = path.Join(name, "index.html")
			content, ok = files[name]
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
	})
}
