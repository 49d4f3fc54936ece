package main

import (
	"context"
	"io"
	"os"

	"github.com/gorowatch/gorowatch/internal/demo"
)

func addDemo(c *cli) {
	cmd := c.Command("demo", "Start a small leaky service and its fixed twin, watch both, and show the alert.")
	o := demo.Options{}
	cmd.Flag("web.listen-address", "Address for the pages; any free port if it is taken.").Default("127.0.0.1:10980").StringVar(&o.ListenAddress)
	c.add(cmd, func(ctx context.Context, stdout, _ io.Writer) error {
		o.Out = stdout
		o.Registry = newRegistry()
		return demo.Run(ctx, o)
	})

	service := c.Command(demo.ServiceCommand, "The service that the demo watches.").Hidden()
	so := demo.ServiceOptions{}
	service.Flag("fixed", "Without the leak.").BoolVar(&so.Fixed)
	service.Flag("slow-after", "When its supplier becomes slow.").Default("20s").DurationVar(&so.SlowAfter)
	c.add(service, func(ctx context.Context, stdout, _ io.Writer) error {
		return demo.Serve(ctx, so, os.Stdin, stdout)
	})
}
