// Command informers is a controller that watches a Kubernetes cluster with informers: some for
// as long as it lives, and two more for each project, which end when the project does.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

type controller struct {
	client dynamic.Interface
	seen   atomic.Int64
}

// watch runs an informer for each resource until ctx ends.
func (c *controller) watch(ctx context.Context, labels string, resources ...string) {
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(c.client, 10*time.Minute, metav1.NamespaceAll,
		func(o *metav1.ListOptions) { o.LabelSelector = labels })
	for _, resource := range resources {
		informer := factory.ForResource(schema.GroupVersionResource{Version: "v1", Resource: resource}).Informer()
		exhibit.Must(informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { c.seen.Add(1) },
			UpdateFunc: func(any, any) { c.seen.Add(1) },
		}))
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		// As many requests as it likes: the limit of the client is not what is shown here.
		c := &controller{client: exhibit.Must(dynamic.NewForConfig(&rest.Config{Host: e.Kube, QPS: -1}))}
		go c.watch(e.Ctx, "", "configmaps", "secrets", "namespaces", "pods", "services")
		e.Often(func() {
			stay := e.Time(time.Duration(3+rand.IntN(12)) * time.Minute)
			ctx, cancel := context.WithTimeout(e.Ctx, stay)
			go func() {
				defer cancel()
				c.watch(ctx, fmt.Sprintf("project=%d", rand.IntN(1000)), "configmaps", "secrets")
			}()
		})
	})
}
