package attack

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/test/e2e"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(mainFunc(func() int { return e2e.Main(m) }))
}

// mainFunc is a goleak.TestingM.
type mainFunc func() int

func (f mainFunc) Run() int { return f() }
