package browser

import (
	"testing"

	"github.com/gorowatch/gorowatch/test/e2e"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(mainFunc(func() int { return e2e.Main(m) }))
}

// mainFunc is a goleak.TestingM.
type mainFunc func() int

func (f mainFunc) Run() int { return f() }
