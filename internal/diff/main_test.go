package diff

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// asProcess makes the test binary the subcommand, to be measured as a whole.
const asProcess = "DIFF_AS_PROCESS"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		if err := Run(context.Background(), Options{Base: os.Args[1], Head: os.Args[2], Limit: 20}, os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
