package trend

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

var dbg = os.Getenv("GW_DEBUG") != ""

func (j *judgement) dump(v *view, f *finding, r rise, e *expectation, w [nExplanations]float64) {
	if !dbg {
		return
	}
	at := msTime((v.t0 + int64(v.t[v.n-1])) * int64(j.mult) * j.service.base)
	fmt.Fprintf(os.Stderr, "%s x%g conf=%.3f h=%.2f r=%.2f z=%.0f p=%.2f±%.2f steady=%v fresh=%v young=%v age=%.1f tot=%.2f days=%.1f | leak=%.1e noise=%.1e swing=%.1e fill=%.1e ramp=%.1e warm=%.1e pile=%.1e day=%.1e sw=%v st=%v\n",
		at.Format("01-02T15:04"), j.mult, f.confidence, r.hours, r.ratio, r.z, r.pace.ratio, r.pace.sd, r.steady, e.fresh, e.young, e.age, e.total, e.days,
		w[byLeak], w[byNoise], w[bySwing], w[byFilling], w[byRamp], w[byWarmUp], w[byPileUp], w[byDay], j.service.swings, j.service.starts)
}

func init() {
	for _, kv := range strings.Split(os.Getenv("GW_K"), ",") {
		k, v, _ := strings.Cut(kv, "=")
		x, _ := strconv.ParseFloat(v, 64)
		switch k {
		case "swing":
			swing.often = x
		case "swingh":
			swing.hours = x
		case "swingr":
			swing.ratio = x
		case "fill":
			filling.often = x
		case "ramp":
			ramp.often = x
		case "warm":
			warmUp.often = x
		case "pile":
			pileUp.often = x
		case "day":
			dailyCycle.often = x
		case "leak":
			leaksPerDay = x
		case "start":
			leaksPerStart = x
		case "steadyp":
			pileUpSteady = x
		case "dayr":
			dailyCycle.ratio = x
		case "dayw":
			dailyCycle.wide = x
		case "wander":
			paceWanders = x
		}
	}
}
