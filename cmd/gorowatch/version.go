package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/prometheus/common/version"
)

// unknownVersion is shown for a build that records no version.
const unknownVersion = "unknown"

// fillVersion completes what the linker flags have not set with what Go records in every
// build, so that a program from `go install …@v1.2.3` knows its version too.
func fillVersion() {
	info, _ := debug.ReadBuildInfo()
	found, date := recordedVersion(info)
	version.Version = cmp.Or(version.Version, found)
	version.BuildDate = cmp.Or(version.BuildDate, date)
}

// recordedVersion reads the version of the module and the time of its commit.
func recordedVersion(info *debug.BuildInfo) (found, date string) {
	if info == nil {
		return unknownVersion, ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			date = s.Value
		}
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v, date
	}
	return unknownVersion, date
}

// versionText returns what --version shows.
func versionText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "gorowatch, version %s (revision: %s)\n", version.Version, version.GetRevision())
	if version.BuildDate != "" {
		fmt.Fprintf(&b, "  build date:  %s\n", version.BuildDate)
	}
	fmt.Fprintf(&b, "  go version:  %s\n", version.GoVersion)
	fmt.Fprintf(&b, "  platform:    %s/%s", version.GoOS, version.GoArch)
	return b.String()
}

func addVersion(c *cli) {
	cmd := c.Command("version", "Show the version, as --version does.")
	c.add(cmd, func(_ context.Context, stdout, _ io.Writer) error {
		_, err := fmt.Fprintln(stdout, versionText())
		return err
	})
}
