// Command leakbench runs the trend engine over a TSDB and writes what it
// found in the format of `gorowatch scan --format=json`, so that the scorer
// of the leakbench kit can read it. It judges on the counts alone.
//
// run.sh generates data, runs it, and prints its figures beside those of the
// PromQL rules.
package main
