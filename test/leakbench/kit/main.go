// Command leakbench generates labelled goroutine data and scores leak
// monitors on it. See README.md.
package main

import (
	"github.com/gorowatch/gorowatch/test/leakbench/kit/cli"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/sim"
)

func main() { cli.Main(append(sim.Public(), sim.Hard()...)) }
