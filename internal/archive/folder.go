package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"gocloud.dev/blob"
)

// folder is the folder of a file:// bucket. Others who can write to it can put symbolic links
// there. Nothing is read, listed, written or deleted through one, so that gorowatch's rights
// reach no further than the folder. A nil folder, for any other bucket, allows everything.
type folder struct {
	root   *os.Root
	dir    string // absolute
	prefix string // of all keys
}

// errLink means that something is no regular file or folder.
var errLink = fmt.Errorf("a symbolic link or a special file, which is not followed: %w", fs.ErrNotExist)

// errReplaced means that a file is not the one that was opened, because it was written again in
// between.
var errReplaced = fmt.Errorf("it was replaced while it was opened: %w", fs.ErrNotExist)

// openFolder opens the folder of a bucket at u, which exists. The folder itself
// may be a symbolic link: the configuration names it.
func openFolder(u *url.URL) (*folder, error) {
	// As fileblob reads the URL.
	path := u.Path
	if u.Host == "." || os.PathSeparator != '/' {
		path = strings.TrimPrefix(path, "/")
	}
	dir, err := filepath.Abs(filepath.FromSlash(path))
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &folder{root: root, dir: dir, prefix: u.Query().Get("prefix")}, nil
}

func (f *folder) close() error {
	if f == nil {
		return nil
	}
	return f.root.Close()
}

// check refuses a key that is not a regular file, or lies behind a link. One
// that does not exist is fine.
func (f *folder) check(key string) error {
	if f == nil {
		return nil
	}
	info, err := f.lstat(fileName(f.prefix + key))
	if err == nil && info != nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = errLink
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// checkParents refuses a key that lies behind a link. The key itself may be one:
// it is replaced or deleted, not followed.
func (f *folder) checkParents(key string) error {
	if f == nil {
		return nil
	}
	if _, err := f.lstat(fileName(f.prefix + key)); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// lstat returns the file with a name relative to the folder, or nil if it does not exist. It
// fails if the path contains a link.
func (f *folder) lstat(name string) (fs.FileInfo, error) {
	for i := range len(name) {
		if !os.IsPathSeparator(name[i]) {
			continue
		}
		info, err := f.root.Lstat(name[:i])
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil
		case err != nil:
			return nil, err
		case info.Mode().IsRegular():
			return nil, nil
		case !info.IsDir():
			return nil, errLink
		}
	}
	info, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}

// checkOpen refuses a file that is open by now, if it is not what lies at its
// name without following links: one may have been put there since check.
func (f *folder) checkOpen(file *os.File) error {
	name, err := filepath.Rel(f.dir, file.Name())
	if err != nil {
		return err
	}
	there, err := f.lstat(name)
	if err != nil {
		return err
	}
	opened, err := file.Stat()
	if err != nil {
		return err
	}
	switch {
	case there == nil:
		return errReplaced
	case !there.Mode().IsRegular():
		return errLink
	case !os.SameFile(there, opened):
		return errReplaced
	}
	return nil
}

// before is checkOpen in the form that the buckets take.
func (f *folder) before(as func(any) bool) error {
	var file *os.File
	if f == nil || !as(&file) {
		return nil
	}
	return f.checkOpen(file)
}

// isLink reports whether an entry of a listing is neither a file nor a folder.
func isLink(o *blob.ListObject) bool {
	var info fs.FileInfo
	return !o.IsDir && o.As(&info) && !info.Mode().IsRegular()
}

// fileName returns the name of the file in which fileblob stores a key.
func fileName(key string) string {
	var b strings.Builder
	runes := []rune(key)
	for i, c := range runes {
		before := func(s string) bool { return strings.HasSuffix(string(runes[max(0, i-2):i]), s) }
		switch {
		case c < 32,
			c == '/' && (before("..") || before("/") || i == len(runes)-1),
			os.PathSeparator == '\\' && strings.ContainsRune(`\><:"|?*`, c),
			c == '_' && escaped.MatchString(string(runes[i:])):
			fmt.Fprintf(&b, "__%#x__", c)
		default:
			b.WriteRune(c)
		}
	}
	return filepath.FromSlash(b.String())
}

// escaped matches a character that was escaped.
var escaped = regexp.MustCompile(`^__0x[0-9a-fA-F]+__`)

// open opens an object, unless it is a link or behind one.
func (a *Archive) open(ctx context.Context, key string) (*blob.Reader, error) {
	for tries := 1; ; tries++ {
		s := a.store()
		if err := s.folder.check(key); err != nil {
			return nil, err
		}
		r, err := s.bucket.NewReader(ctx, key, &blob.ReaderOptions{BeforeRead: s.folder.before})
		if !errors.Is(err, errReplaced) || tries >= maxTries {
			return r, err
		}
	}
}

// copy copies an object to another key.
func (a *Archive) copy(ctx context.Context, to, from string) (err error) {
	s := a.store()
	if s.folder == nil {
		return s.bucket.Copy(ctx, to, from, nil)
	}
	r, err := a.open(ctx, from)
	if err != nil {
		return err
	}
	defer r.Close()
	return a.writeFrom(ctx, to, r.ContentType(), func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	})
}
