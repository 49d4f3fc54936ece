package view

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gorowatch/gorowatch/internal/human"
)

// ProblemStates are the states of targets, those with a problem first.
var ProblemStates = []string{string(TargetDown), string(TargetUnmatched), string(TargetUp), string(TargetUnknown)}

// JobName is the namespace and the job of a target, which it is listed under.
func JobName(t Target) string {
	job := cmp.Or(t.Labels.Get("job"), "no job")
	if ns := t.Labels.Get("namespace"); ns != "" {
		return ns + "/" + job
	}
	return job
}

// JobCount is how the targets of a job do.
type JobCount struct {
	Name   string
	Rank   int // the worst state of its targets, as in ProblemStates
	counts map[string]int
}

// CountJobs counts the targets of each job by state.
func CountJobs(targets []Target) map[string]*JobCount {
	jobs := map[string]*JobCount{}
	for _, t := range targets {
		name := JobName(t)
		j := jobs[name]
		if j == nil {
			j = &JobCount{Name: name, Rank: len(ProblemStates), counts: map[string]int{}}
			jobs[name] = j
		}
		j.counts[string(t.State)]++
		if rank := slices.Index(ProblemStates, string(t.State)); rank >= 0 {
			j.Rank = min(j.Rank, rank)
		}
	}
	return jobs
}

// HasProblem reports whether a target of the job is not up.
func (j *JobCount) HasProblem() bool {
	return j.Rank < slices.Index(ProblemStates, string(TargetUp))
}

// Words say how many targets a job has, by state.
func (j *JobCount) Words() string {
	var parts []string
	for _, s := range ProblemStates {
		if n := j.counts[s]; n > 0 {
			parts = append(parts, human.Count(int64(n))+" "+s)
		}
	}
	return strings.Join(parts, ", ")
}
