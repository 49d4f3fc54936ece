package archive

import (
	"context"
	"iter"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

const (
	pageSize = 1000
	// maxTries bounds how often a page of a listing is tried: in a folder, the
	// temporary file of a write may vanish while it is looked at.
	maxTries = 10
)

// list yields the keys that begin with prefix, in order, or an error at last.
func (a *Archive) list(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return a.pages(ctx, blob.ListOptions{Prefix: prefix})
}

// folders yields the prefixes and keys directly below a prefix that ends with a slash.
func (a *Archive) folders(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return a.pages(ctx, blob.ListOptions{Prefix: prefix, Delimiter: "/"})
}

func (a *Archive) pages(ctx context.Context, o blob.ListOptions) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		token := blob.FirstPageToken
		for tries := 1; len(token) > 0; tries++ {
			s := a.store()
			if err := s.folder.checkParents(o.Prefix + "x"); err != nil {
				yield("", err)
				return
			}
			page, next, err := s.bucket.ListPage(ctx, token, pageSize, &o)
			if gcerrors.Code(err) == gcerrors.NotFound && tries < maxTries {
				continue
			}
			if err != nil {
				yield("", err)
				return
			}
			for _, obj := range page {
				// For documents, which are few and matter, a link is an error when it is read.
				if isLink(obj) && strings.HasPrefix(obj.Key, profilesPrefix) {
					if _, known := a.links.LoadOrStore(obj.Key, nil); !known {
						a.o.Logger.Warn("Profile in the bucket is a symbolic link or a special file; it is ignored", "key", obj.Key)
					}
					continue
				}
				if !strings.HasSuffix(obj.Key, temporary) && !yield(obj.Key, nil) {
					return
				}
			}
			token, tries = next, 0
		}
	}
}
