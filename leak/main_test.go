package leak

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// t0 is when the stories begin.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var checkout = labels.FromStrings("job", "checkout", "namespace", "shop")
