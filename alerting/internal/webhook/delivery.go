package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/post"
)

// maxFailuresInARow is how many messages in a row may fail before the webhook is left
// alone, because it most likely fails for all.
const maxFailuresInARow = 3

// sendDue sends the messages that are due, or all pending ones if these are the last.
// A message that fails does not stop the others, but a webhook that fails for all is
// left alone for a while.
func (l *Loop) sendDue(ctx context.Context, last bool) {
	failuresInARow := 0
	for _, alerts := range l.messages(time.Now(), last) {
		err := l.deliver(ctx, alerts)
		switch {
		case err == nil:
			failuresInARow = 0
			continue
		case ctx.Err() != nil:
			return
		case post.IsContentSuspect(err) && post.RetryAfter(err) == 0:
			if failuresInARow++; failuresInARow < maxFailuresInARow {
				continue
			}
		}
		l.pause(time.Now(), post.RetryAfter(err))
		return
	}
}

// deliver sends a message, or its alerts one by one if the webhook rejects the
// content. An error means that it should be tried again later.
func (l *Loop) deliver(ctx context.Context, alerts []pendingAlert) error {
	l.mu.Lock()
	target := l.target
	l.mu.Unlock()
	err := send(ctx, target, alerts)
	switch {
	case err == nil:
		l.recordSuccess(alerts)
	case ctx.Err() != nil: // canceled by us
		return err
	case post.FailureOf(err) == post.Rejected && len(alerts) > 1:
		var failed error
		for i := range alerts {
			err := l.deliver(ctx, alerts[i:i+1])
			if err != nil && !post.IsContentSuspect(err) {
				return err
			}
			failed = cmp.Or(err, failed)
		}
		return failed
	case post.IsFinal(err):
		l.recordRefusal(alerts, err)
	default:
		l.recordFailure(alerts, err)
		return err
	}
	return nil
}

// send posts one message. The error is a *post.Error.
func send(ctx context.Context, target alerting.Webhook, alerts []pendingAlert) error {
	u, err := target.URL()
	if err != nil {
		return post.NewError(err)
	}
	body, err := json.Marshal(newMessage(target, alerts))
	if err != nil {
		return post.NewError(fmt.Errorf("encoding alerts: %w", err))
	}
	return post.JSON(ctx, target.Client, target.Timeout, u.String(), body)
}
