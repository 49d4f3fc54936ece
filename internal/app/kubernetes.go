package app

import (
	"fmt"
	"net/url"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/kubeevents"
)

// kubernetesEvents returns where Events are written; nil: nowhere.
func (g *graph) kubernetesEvents(k config.KubernetesEvents, render alerting.RenderOptions) (*kubeevents.Config, error) {
	const field = "alerting.kubernetes_events"
	if !k.Enabled {
		return nil, nil
	}
	api, err := url.Parse(k.APIServer)
	client := k.HTTPClientConfig
	if k.APIServer == "" {
		api, client, err = kubeevents.OwnCluster()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	c := &kubeevents.Config{API: api, Render: render}
	c.Client, err = g.client(client, field)
	return c, err
}

// instanceLabels returns the labels of the instances of a service.
func (a *App) instanceLabels(service labels.Labels) (out []labels.Labels) {
	for _, in := range (state{App: a}).Instances(service) {
		out = append(out, in.Labels)
	}
	return out
}
