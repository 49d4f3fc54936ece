package trend

import (
	"math"
	"slices"
)

// compactFinding is a finding in 48 bytes, without what only Explain needs. Segments and the pool
// keep one for each scale.
type compactFinding struct {
	onset                          int64
	slope                          [3]float32 // value, low, high
	z, level, grown, b, confidence float32
	status, gate                   uint8 // index into statuses and gates
	n, blocks, passed              uint8
	earlier                        bool
	wait                           uint16 // base blocks
}

// statuses lists the statuses by rank; "" means not judged yet.
func statuses() [6]Status {
	return [...]Status{"", Quiet, Suspicious, Provisional, Plateaued, Leaking}
}

func gates() [14]Gate {
	return [...]Gate{GateNone, GateTooLittle, GateTooSmall, GateNoTrend, GateFollowsLoad, GateOneStep, GateCameBack, GateSaturating, GateTooShort, GateUncertain, GateTransient, GateWarmingUp, GatePileUp, GateDailyCycle}
}

// rank orders statuses by suspicion.
func (s Status) rank() uint8 {
	all := statuses()
	return uint8(max(0, slices.Index(all[:], s)))
}

func (f *finding) compact() compactFinding {
	all := gates()
	return compactFinding{
		onset: f.onset,
		slope: [3]float32{float32(f.slope.Value), float32(f.slope.Low), float32(f.slope.High)},
		z:     float32(f.z), level: float32(f.level), grown: float32(f.grown), b: float32(f.b), confidence: float32(f.confidence),
		status: f.status.rank(), gate: uint8(max(0, slices.Index(all[:], f.gate))),
		n: uint8(f.n), blocks: uint8(f.blocks), passed: uint8(min(f.passed, math.MaxUint8)), earlier: f.earlier,
		wait: uint16(max(0, min(math.Ceil(f.wait), math.MaxUint16))),
	}
}

func (k *compactFinding) finding() finding {
	return finding{
		onset: k.onset,
		slope: Interval{float64(k.slope[0]), float64(k.slope[1]), float64(k.slope[2])},
		z:     float64(k.z), level: float64(k.level), grown: float64(k.grown), b: float64(k.b), confidence: float64(k.confidence),
		status: statuses()[k.status], gate: gates()[k.gate],
		n: int(k.n), blocks: int(k.blocks), passed: int(k.passed), earlier: k.earlier, wait: float64(k.wait),
	}
}

// update replaces the finding with the newest one. A leak must be found several times in a row:
// until then its confidence is at most below, which is just not enough.
func (k *compactFinding) update(now finding, below float64) {
	if now.status == Leaking {
		now.passed = int(k.passed) + 1
		// A leak that is beyond doubt need not be found twice.
		if now.passed < persistence && 1-now.confidence > (1-below)/beyondDoubt {
			now.confidence = min(now.confidence, below)
			now.status, now.gate, now.wait = Suspicious, GateTooShort, 1
		}
	}
	*k = now.compact()
}
