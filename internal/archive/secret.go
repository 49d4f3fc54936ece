package archive

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// secretSize is the length of a secret, in bytes.
const secretSize = 32

// secretKey returns the key of a secret.
func secretKey(name string) string { return "keys/" + name + ".key" }

// Secret returns the random secret with a name, 32 bytes. The first process that asks creates
// it; all others with the bucket get the same.
func (a *Archive) Secret(ctx context.Context, name string) ([]byte, error) {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	secret, err := a.secret(ctx, secretKey(name))
	return secret, a.count(opLoadSecret, err)
}

// SecretOrRandom is Secret, or random for this process if the bucket fails.
func (a *Archive) SecretOrRandom(ctx context.Context, name string) []byte {
	secret, err := a.Secret(ctx, name)
	if err != nil {
		a.o.Logger.Warn("Cannot read a secret of the archive; a random one is used until the restart", "name", name, "err", err)
		secret = make([]byte, secretSize)
		_, _ = rand.Read(secret) // never fails
	}
	return secret
}

func (a *Archive) secret(ctx context.Context, key string) ([]byte, error) {
	secret, err := a.readSecret(ctx, key)
	if gcerrors.Code(err) != gcerrors.NotFound {
		return secret, err
	}
	made := make([]byte, secretSize)
	_, _ = rand.Read(made) // never fails
	if err := a.writeNew(ctx, key, made); err != nil && gcerrors.Code(err) != gcerrors.FailedPrecondition {
		return nil, err
	}
	return a.readSecret(ctx, key) // ours, or that of a faster process
}

func (a *Archive) readSecret(ctx context.Context, key string) ([]byte, error) {
	r, err := a.open(ctx, key)
	if err != nil {
		return nil, err
	}
	secret, err := io.ReadAll(io.LimitReader(r, secretSize+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	if len(secret) != secretSize {
		return nil, fmt.Errorf("%s: not a key of %d bytes; delete it to have a new one made", key, secretSize)
	}
	return secret, nil
}

// writeNew writes an object unless there is one.
func (a *Archive) writeNew(ctx context.Context, key string, data []byte) error {
	s := a.store()
	if err := s.folder.checkParents(key); err != nil {
		return err
	}
	return s.bucket.WriteAll(ctx, key, data, &blob.WriterOptions{ContentType: aProfile, BeforeWrite: s.folder.before, IfNotExist: true})
}
