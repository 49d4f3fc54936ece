// Package help renders the documentation that is part of the program, for the pages.
//
// It is pure: it turns the Markdown of package docs into HTML, whose links lead to other pages
// of the documentation or to the repository.
package help

import (
	"bytes"
	"html/template"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/gorowatch/gorowatch/docs"
)

// repository has everything that is not part of the program.
const repository = "https://github.com/gorowatch/gorowatch/blob/main/"

// Page is a page of the documentation.
type Page struct {
	Title string
	HTML  template.HTML
}

// Has reports whether there is a page with that name, such as leaks/chan-send.
func Has(name string) bool {
	_, err := fs.Stat(docs.Files, name+".md")
	return err == nil && fs.ValidPath(name)
}

// Picture returns a picture of the documentation.
func Picture(name string) ([]byte, bool) {
	if !fs.ValidPath(name) || path.Ext(name) != ".svg" && path.Ext(name) != ".png" {
		return nil, false
	}
	b, err := fs.ReadFile(docs.Files, path.Join("img", name))
	return b, err == nil
}

// Render renders a page. Its links to other pages begin with base.
func Render(base, name string) (p Page, ok bool) {
	if !Has(name) {
		return p, false
	}
	source, err := fs.ReadFile(docs.Files, name+".md")
	if err != nil {
		return p, false
	}
	links := &linker{base: strings.TrimRight(base, "/") + "/", dir: path.Dir(name)}
	md := goldmark.New(
		// Alignment would be an attribute that the policy of the pages forbids.
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone))),
		goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(links, 100))),
	)
	var b bytes.Buffer
	if err := md.Convert(source, &b); err != nil {
		return p, false
	}
	return Page{Title: links.title, HTML: template.HTML(b.String())}, true //nolint:gosec // it is our own documentation
}

// linker rewrites links for a page of the program. It also records the title.
type linker struct{ base, dir, title string }

func (l *linker) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 1 && l.title == "" {
				l.title = string(n.Lines().Value(reader.Source()))
			}
		case *ast.Link:
			n.Destination = []byte(l.to(string(n.Destination)))
			if strings.HasPrefix(string(n.Destination), "https://") {
				n.SetAttributeString("rel", []byte("noreferrer"))
			}
		case *ast.Image:
			n.Destination = []byte(l.base + "img/" + path.Base(string(n.Destination)))
		}
		return ast.WalkContinue, nil
	})
}

// to returns the target of a link.
func (l *linker) to(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Path == "" {
		return target
	}
	fragment := ""
	if u.Fragment != "" {
		fragment = "#" + u.Fragment
	}
	name := path.Join(l.dir, u.Path)
	if page, isPage := strings.CutSuffix(name, ".md"); isPage && Has(page) {
		return l.base + page + fragment
	}
	return repository + path.Join("docs", name) + fragment
}
