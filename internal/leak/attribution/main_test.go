package attribution

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// t0 is when the tests begin.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
