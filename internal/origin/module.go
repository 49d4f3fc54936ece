package origin

import "strings"

// Module is the module that a function was built from, as far as the path of its file shows.
type Module struct {
	Path    string // "github.com/panjf2000/ants/v2"
	Version string // "v2.7.0"; empty: the path has none
}

// String returns the module as a go.mod has it: "github.com/panjf2000/ants/v2 v2.7.0".
func (m Module) String() string {
	if m.Version == "" {
		return m.Path
	}
	return m.Path + " " + m.Version
}

// ModuleOf reads the module of a dependency from the path of a file: in the module cache
// ("/go/pkg/mod/github.com/acme/x@v1.2.0/x.go"), or in a build with -trimpath
// ("github.com/acme/x@v1.2.0/x.go"). It returns false for all others.
func ModuleOf(file string) (Module, bool) {
	at := strings.IndexByte(file, '@')
	if at <= 0 {
		return Module{}, false
	}
	version, _, inside := strings.Cut(file[at+1:], "/")
	if !inside || len(version) < 2 || version[0] != 'v' || version[1] < '0' || version[1] > '9' {
		return Module{}, false
	}
	path := file[:at]
	if i := strings.LastIndex(path, modCache); i >= 0 {
		path = path[i+len(modCache):]
	} else if strings.HasPrefix(path, "/") || strings.ContainsAny(path, ":\\") {
		return Module{}, false // a folder that happens to have such a name
	}
	return Module{unescape(path), unescape(version)}, true
}

// modCache is in the path of each file of the module cache, vendorDir in that of each
// vendored one.
const (
	modCache  = "/pkg/mod/"
	vendorDir = "/vendor/"
)

// IsDependency reports whether the path of a file shows for certain that it is not the user's
// own: it has a module version, or is vendored, or comes from another repository of a Bazel
// build.
func IsDependency(file string) bool {
	if _, ok := ModuleOf(file); ok {
		return true
	}
	return strings.Contains(file, vendorDir) || strings.HasPrefix(file, "vendor/") || strings.HasPrefix(file, "external/")
}
