package pages

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

var at = time.Date(2026, 3, 2, 22, 59, 30, 0, time.UTC)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
