package apiv1

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// serviceProfiles lists the profiles of a service, oldest first.
func (h *Handler) serviceProfiles(w http.ResponseWriter, r *http.Request) {
	s, ok := h.serviceOf(w, r)
	if !ok {
		return
	}
	now := h.o.Backend.Now()
	span, err := query.NewSpan(r.URL.Query(), now.Add(-24*time.Hour), now)
	if err != nil {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, err.Error())
		return
	}
	x, ok := h.window(w, r.URL.Query())
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), view.LoadTimeout)
	defer cancel()
	refs, err := h.view.ServiceProfiles(ctx, s.Labels, span.From, span.To)
	if err != nil {
		h.json.Refuse(w, http.StatusBadGateway, envelope.Unavailable, h.view.ArchiveProblem(err, "list", alerting.ServiceName(s.Labels)))
		return
	}
	profiles := []v1.Capture{}
	for _, ref := range query.Cut(refs, x) {
		profiles = append(profiles, v1.Capture{Key: ref.Key, Instance: ref.Instance, Time: ref.Time.UTC()})
	}
	h.json.Send(w, r, map[string]any{"profiles": profiles, "total": len(refs)})
}

// takeProfile takes a profile now.
func (h *Handler) takeProfile(w http.ResponseWriter, r *http.Request) {
	if !h.view.CanPull() {
		h.json.Refuse(w, http.StatusForbidden, envelope.Forbidden, view.PullOff)
		return
	}
	s, ok := h.serviceOf(w, r)
	if !ok {
		return
	}
	ref, err := h.view.TakeProfile(r.Context(), w, s.Labels, r.URL.Query().Get("instance"))
	if err != nil {
		h.json.Refuse(w, view.PullStatus(err), envelope.Unavailable, human.Line(err.Error(), view.MaxWords))
		return
	}
	h.json.Send(w, r, v1.Capture{Key: ref.Key, Instance: ref.Instance, Time: ref.Time.UTC()})
}

// profile sends a profile of the archive as the target sent it.
func (h *Handler) profile(w http.ResponseWriter, r *http.Request) {
	const folder = "profiles/"
	key := folder + r.PathValue("key")
	if !view.IsProfileKey(key) {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "key: expected <service>/<instance>/<time>.pb.gz")
		return
	}
	if !h.view.HasArchive() {
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no archive")
		return
	}
	body, err := h.view.OpenProfile(r.Context(), key)
	// The links of older alerts have the folder too.
	if old := r.PathValue("key"); errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(old, folder) {
		key = old
		body, err = h.view.OpenProfile(r.Context(), key)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no such profile; it may have been older than the retention")
		return
	case err != nil:
		if r.Context().Err() == nil {
			h.o.Logger.Warn("Cannot read a profile", "key", key, "err", err)
		}
		h.json.Refuse(w, http.StatusBadGateway, envelope.Unavailable, "the archive cannot be read now; the log says why")
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(key)}))
	if _, err := io.Copy(w, body); err != nil {
		if r.Context().Err() == nil {
			h.o.Logger.Warn("Cannot send a profile", "key", key, "err", err)
		}
		// Half a profile must not look like a whole one. The status is sent, so
		// breaking the connection is the only way to report an error.
		panic(http.ErrAbortHandler)
	}
}

// fileName returns what a browser saves a profile as: instance and time.
func fileName(key string) string {
	name := path.Base(path.Dir(key)) + "_" + path.Base(key)
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-", r):
			return r
		}
		return '-'
	}, name[max(len(name)-120, 0):])
}
