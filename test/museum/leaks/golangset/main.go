// Command golangset keeps the names of devices in a set. One look-up leaves an
// iterator early, whose goroutine keeps the set's lock; the next device that is
// added waits for it, and everybody who asks waits behind that.
package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	mapset "github.com/deckarep/golang-set"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type registry struct {
	names mapset.Set
	fixed bool
}

// find returns a device of a rack.
func (r *registry) find(rack string) string {
	if r.fixed {
		for _, name := range r.names.ToSlice() {
			if strings.HasPrefix(name.(string), rack) {
				return name.(string)
			}
		}
		return ""
	}
	for name := range r.names.Iter() {
		if strings.HasPrefix(name.(string), rack) {
			return name.(string)
		}
	}
	return ""
}

func (r *registry) known(w http.ResponseWriter, req *http.Request) {
	fmt.Fprintln(w, r.names.Contains(req.FormValue("name")))
}

func (r *registry) add(w http.ResponseWriter, _ *http.Request) {
	r.names.Add("rack9-new")
	_, _ = io.WriteString(w, "added\n")
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		r := &registry{names: mapset.NewSet(), fixed: e.Fixed}
		for i := range 400 {
			r.names.Add(fmt.Sprintf("rack%d-%d", i%8, i))
		}
		e.Mux.HandleFunc("GET /known", r.known)
		e.Mux.HandleFunc("POST /add", r.add)
		go func() {
			if e.Sleep(2 * time.Minute) {
				r.find("rack3")
				resp, err := http.Post(e.URL+"/add", "", nil)
				if err == nil {
					_ = resp.Body.Close()
				}
			}
		}()
		e.Get("/known?name=rack1-1")
	})
}
