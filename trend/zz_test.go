package trend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

func TestZZ(t *testing.T) {
	const begin = 30 * 60
	hours, size := 30.0, 300.0
	s := NewService(Options{})
	r := rand.New(rand.NewPCG(5, uint64(hours)))
	for m := range 7 * 1440 {
		now := t0.Add(time.Duration(m) * time.Minute)
		l := 1 + 0.5*day(float64(m)) + 0.03*r.NormFloat64()
		for i := range 3 {
			filled := math.Round(size * (1 - math.Exp(-max(0, float64(m-begin))/60/hours)))
			s.Observe(strconv.Itoa(i), Sample{T: now.UnixMilli(), Count: 150 + 50*l + 4*r.ExpFloat64() + filled, Load: l, Start: 1})
		}
		v := s.Judge(now)
		if v.Status == Leaking {
			fmt.Printf("%+v\n", v)
			for _, a := range s.Explain() {
				if a.Scale >= time.Hour {
					fmt.Printf("%+v\n", a)
				}
			}
			t.FailNow()
		}
	}
}
