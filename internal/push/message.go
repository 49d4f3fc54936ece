package push

import (
	"errors"

	"github.com/prometheus/prometheus/model/labels"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gorowatch/gorowatch/collector"
)

// Bounds of one message of the push API. Alloy sends one profile in each.
const (
	maxMessageSeries  = 1000
	maxMessageSamples = 1000 // of all series
)

// Fields of the messages of push.v1: a request has series, a series labels and
// samples, a sample the profile.
const (
	fieldSeries  protowire.Number = 1
	fieldLabel   protowire.Number = 1
	fieldSample  protowire.Number = 2
	fieldName    protowire.Number = 1
	fieldValue   protowire.Number = 2
	fieldProfile protowire.Number = 1
)

var errWire = errors.New("not a message of push.v1.PusherService/Push")

// series is profiles of one label set.
type series struct {
	labels   []labels.Label
	profiles [][]byte
}

// parseMessage reads a push.v1.PushRequest. The profiles are parts of b.
func parseMessage(b []byte) ([]series, error) {
	var out []series
	samples := 0
	err := eachField(b, func(n protowire.Number, b []byte) error {
		if n != fieldSeries {
			return nil
		}
		if len(out) == maxMessageSeries {
			return errors.New("the message has more than 1,000 series")
		}
		var s series
		err := eachField(b, func(n protowire.Number, b []byte) error {
			switch n {
			case fieldLabel:
				if len(s.labels) == collector.MaxLabels {
					return errors.New("a series has more than 200 labels")
				}
				var l labels.Label
				err := eachField(b, func(n protowire.Number, b []byte) error {
					switch n {
					case fieldName:
						l.Name = string(b)
					case fieldValue:
						l.Value = string(b)
					}
					return nil
				})
				s.labels = append(s.labels, l)
				return err
			case fieldSample:
				if samples++; samples > maxMessageSamples {
					return errors.New("the message has more than 1,000 profiles")
				}
				return eachField(b, func(n protowire.Number, b []byte) error {
					if n == fieldProfile {
						s.profiles = append(s.profiles, b)
					}
					return nil
				})
			}
			return nil
		})
		out = append(out, s)
		return err
	})
	return out, err
}

// eachField calls f for each field of a message that has bytes; others are skipped.
func eachField(b []byte, f func(protowire.Number, []byte) error) error {
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errWire
		}
		b = b[n:]
		if typ != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, typ, b); n < 0 {
				return errWire
			}
			b = b[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return errWire
		}
		if err := f(number, value); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
