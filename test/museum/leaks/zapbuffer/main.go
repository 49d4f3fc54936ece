// Command zapbuffer logs each job through a buffer of its own, which is synced
// at the end and never stopped.
package main

import (
	"io"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

type jobs struct{ fixed bool }

func (j *jobs) run() {
	out := &zapcore.BufferedWriteSyncer{WS: zapcore.AddSync(io.Discard), Size: 4096}
	if j.fixed {
		defer out.Stop()
	}
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	log := zap.New(zapcore.NewCore(encoder, out, zap.InfoLevel))
	log.Info("job done", zap.Int("rows", 12))
	_ = log.Sync()
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		j := &jobs{fixed: e.Fixed}
		e.Often(j.run)
	})
}
