package service

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/http/pprof"
	"strings"
)

// addProfiles serves the profiles under the path of o and behind its token. A service on the
// default mux has them already: importing net/http/pprof, as this package does, puts them there
// for everybody to read.
func addProfiles(mux *http.ServeMux, o Options, onDefault bool) error {
	if onDefault {
		if o.PprofPath != DefaultPprofPath || o.PprofToken != "" {
			return errors.New("the profiles are on the default mux: -pprof.path and -pprof.token cannot apply")
		}
		return nil
	}
	path := o.PprofPath
	if !strings.HasPrefix(path, "/") || !strings.HasSuffix(path, "/") {
		return fmt.Errorf("-pprof.path=%s: a slash is wanted at both ends", path)
	}
	mux.Handle(path, bearer(o.PprofToken, http.StripPrefix(path, http.HandlerFunc(profile))))
	return nil
}

// profile serves the profile that the path names, or their list. The names are the whole path,
// because pprof.Index only knows them under /debug/pprof/.
func profile(w http.ResponseWriter, r *http.Request) {
	switch name := r.URL.Path; name {
	case "":
		pprof.Index(w, r)
	case "cmdline":
		pprof.Cmdline(w, r)
	case "profile":
		pprof.Profile(w, r)
	case "symbol":
		pprof.Symbol(w, r)
	case "trace":
		pprof.Trace(w, r)
	default:
		pprof.Handler(name).ServeHTTP(w, r)
	}
}

// bearer passes requests with the token to next; an empty token allows all.
func bearer(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
