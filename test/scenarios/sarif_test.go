package scenarios

import (
	"os"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/stretchr/testify/require"
)

// The report of `gorowatch check --sarif` is what the schema of SARIF 2.1.0 asks for. It is
// validated here, so that what validates it is no part of gorowatch's own module.
func TestSARIF(t *testing.T) {
	data, err := os.ReadFile("../../internal/check/testdata/leak.sarif")
	require.NoError(t, err)
	report, err := sarif.FromBytes(data)
	require.NoError(t, err)
	// The library writes these even where they are not set: they are the schema's defaults.
	run := report.Runs[0]
	run.Language, run.Tool.Driver.Language, run.NewlineSequences = "en-US", "en-US", []string{"\n"}
	require.NoError(t, report.Validate())
	require.Len(t, run.Results, 1)
	require.Len(t, run.Results[0].Stacks, 1)
	require.Equal(t, "internal/worker/pool.go", *run.Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI)
}
