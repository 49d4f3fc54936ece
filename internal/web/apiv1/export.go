package apiv1

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"slices"

	"github.com/gorowatch/gorowatch/internal/pprofui"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/export"
)

// export sends a profile, or the difference of two, in the format of another tool.
func (h *Handler) export(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	format := export.Format(q.Get("format"))
	if !slices.Contains(export.Formats, format) {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "format: expected pprof, speedscope or collapsed")
		return
	}
	two, release, err := h.view.ReadPair(r.Context(), q.Get("base"), q.Get("head"))
	defer release()
	if err != nil {
		code, text := h.view.PairProblem(err, q.Get("head"))
		h.json.Refuse(w, code, envelope.TypeOf(code), text)
		return
	}
	var b bytes.Buffer
	switch err := export.Write(&b, format, two.Base, two.Head); {
	case errors.Is(err, pprofui.ErrTooLarge):
		h.json.Refuse(w, http.StatusRequestEntityTooLarge, envelope.BadData, "these profiles are too large for this format; download them as they were taken")
		return
	case err != nil:
		h.o.Logger.Warn("Cannot export profiles", "format", format, "head", q.Get("head"), "err", err)
		h.json.Refuse(w, http.StatusInternalServerError, envelope.Unavailable, "the profiles cannot be exported; the log says why")
		return
	}
	name := fileName(two.HeadKey)
	name = name[:len(name)-len(extension(name))]
	if two.Base != nil {
		name += "-difference"
	}
	kind := map[export.Format]string{export.Speedscope: "application/json", export.Collapsed: "text/plain; charset=utf-8"}[format]
	if kind == "" {
		kind = "application/octet-stream"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + format.Extension()}))
	_, _ = b.WriteTo(w)
}

// extension returns the end of the name of a profile.
func extension(name string) string {
	for _, e := range []string{".pb.gz", ".debug2.txt.gz"} {
		if n := len(name) - len(e); n > 0 && name[n:] == e {
			return e
		}
	}
	return ""
}
