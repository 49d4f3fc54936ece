package pages

import (
	"bytes"
	"html/template"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/internal/web/help"
)

// helpPage is a page of the documentation.
type helpPage struct{ HTML template.HTML }

// help shows a page of the documentation, which is embedded in the program, or one of its pictures.
func (h *Handler) help(w http.ResponseWriter, r *http.Request) {
	name := strings.Trim(r.PathValue("page"), "/")
	if name == "" {
		name = "README"
	}
	if picture, ok := strings.CutPrefix(name, "img/"); ok {
		if b, ok := help.Picture(picture); ok {
			w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(picture)))
			w.Header().Set("Cache-Control", "public, max-age=86400")
			http.ServeContent(w, r, picture, time.Time{}, bytes.NewReader(b))
			return
		}
	}
	p, ok := help.Render(h.base+"/help", name)
	if !ok {
		h.NotFound(w, r)
		return
	}
	h.render(w, r, http.StatusOK, "help", p.Title, helpPage{p.HTML})
}
