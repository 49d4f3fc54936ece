package fleet

import (
	"math"
	"time"
)

// loadHistory has the mean load of an instance in each hour (60 blocks) of the last ten days, to compare
// profiles by the load under which they were taken.
type loadHistory struct {
	hour  int64 // of the current mean
	sum   float64
	n     int
	means []mean // of earlier hours, the latest last
}

// maxLoadHours bounds the size of a loadHistory to half a kilobyte.
const maxLoadHours = 240

// mean is a non-negative load in two bytes, accurate to one part in 500, or NaN:
// the upper half of its float32, without the sign.
type mean uint16

func meanOf(x float64) mean {
	return mean((math.Float32bits(float32(max(0, x))) + 1<<14) >> 15)
}

func (m mean) load() float64 { return float64(math.Float32frombits(uint32(m) << 15)) }

// add records a sample; block is the length of a block of the trend.
func (l *loadHistory) add(t time.Time, load float64, block time.Duration) {
	if math.IsNaN(load) || math.IsInf(load, 0) {
		return
	}
	hour := hourOf(t, block)
	if l.n == 0 && len(l.means) == 0 || hour-l.hour > maxLoadHours {
		*l = loadHistory{hour: hour, means: l.means[:0]}
	}
	for ; l.hour < hour; l.hour++ {
		if len(l.means) == cap(l.means) { // not doubled: few instances live for ten days
			l.means = append(make([]mean, 0, len(l.means)+24), l.means...)
		}
		l.means = append(l.means, meanOf(l.sum/float64(l.n))) // NaN without samples
		l.sum, l.n = 0, 0
	}
	if extra := len(l.means) - maxLoadHours; extra > 0 {
		l.means = append(l.means[:0], l.means[extra:]...)
	}
	l.sum += load
	l.n++
}

// at returns the mean load of the hour of t; NaN: unknown.
func (l *loadHistory) at(t time.Time, block time.Duration) float64 {
	i := int64(len(l.means)) - (l.hour - hourOf(t, block))
	switch {
	case i == int64(len(l.means)):
		return l.sum / float64(l.n)
	case i >= 0 && i < int64(len(l.means)):
		return l.means[i].load()
	}
	return math.NaN()
}

func hourOf(t time.Time, block time.Duration) int64 { return t.UnixNano() / int64(60*block) }
