package trend

import (
	"os"
	"strconv"
)

func env(n string, d float64) float64 {
	if s := os.Getenv(n); s != "" {
		d, _ = strconv.ParseFloat(s, 64)
	}
	return d
}

var (
	pLag   = env("LAG", 360)
	pEl    = env("EL", 1.1)
	pFr    = env("FR", 0.5)
	pHrs   = env("HRS", 6)
	pRatio = env("RATIO", 1.15)
	pRH    = env("RH", 1.5)
	pZ     = env("Z", 10)
	pK     = env("K", 5)
	pTau   = env("TAU", 60)
	pSG    = env("SG", 1.5)
	pPers  = env("PERS", 3)
	pLives = env("LIVES", 6)
	pBig   = env("BIG", 3)
	pVeto  = env("VETO", 3)
)
