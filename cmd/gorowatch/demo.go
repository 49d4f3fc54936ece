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
	cmd.Flag("web.listen-address", "Address for the pages. If it is in use, any free port.").Default("127.0.0.1:10980").StringVar(&o.ListenAddress)
	c.add(cmd, func(ctx context.Context, stdout, _ io.Writer) error {
		o.Out = stdout
		o.Registry = newRegistry()
		return demo.Run(ctx, o)
	})
}

// addDemoService registers the program that the demo starts as its own service. It is
// registered only when it is asked for, so that neither help nor completion shows it.
func addDemoService(c *cli) {
	service := c.Command(demo.ServiceCommand, "The service that the demo watches.").Hidden()
	so := demo.ServiceOptions{}
	service.Flag("fixed", "Without the leak.").BoolVar(&so.Fixed)
	service.Flag("slow-after", "When its supplier becomes slow.").Default("20s").DurationVar(&so.SlowAfter)
	c.add(service, func(ctx context.Context, stdout, _ io.Writer) error {
		return demo.Serve(ctx, so, os.Stdin, stdout)
	})
}
