// Command broadcaster is a controller that makes an event recorder for each
// cluster that it visits, and never shuts its broadcaster down.
package main

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/record"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type controller struct {
	scheme *runtime.Scheme
	fixed  bool
}

func (c *controller) visit() {
	broadcaster := record.NewBroadcaster()
	if c.fixed {
		defer broadcaster.Shutdown()
	}
	recorder := broadcaster.NewRecorder(c.scheme, corev1.EventSource{Component: "janitor"})
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}
	recorder.Event(node, corev1.EventTypeNormal, "Visited", "everything in order")
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		c := &controller{scheme: runtime.NewScheme(), fixed: e.Fixed}
		exhibit.Must(0, corev1.AddToScheme(c.scheme))
		e.Often(c.visit)
	})
}
