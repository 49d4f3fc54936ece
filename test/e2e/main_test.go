package e2e

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(mainFunc(func() int { return Main(m) }))
}

// mainFunc is a goleak.TestingM.
type mainFunc func() int

func (f mainFunc) Run() int { return f() }
