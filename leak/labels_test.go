package leak

import (
	"reflect"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
)

// TestLeaksHaveNoPprofLabels: alerts and webhooks are made from types without room for pprof
// labels of goroutines, which may hold anything. LabelShare is the exception: its values are
// hashed.
func TestLeaksHaveNoPprofLabels(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(path string, x reflect.Type)
	walk = func(path string, x reflect.Type) {
		if seen[x] {
			return
		}
		seen[x] = true
		switch x.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			walk(path, x.Elem())
		case reflect.Map:
			t.Errorf("%s is a map", path)
		case reflect.Struct:
			for f := range x.Fields() {
				if f.Type == reflect.TypeFor[labels.Labels]() && path+"."+f.Name != "Leak.Service" {
					t.Errorf("%s.%s has labels", path, f.Name)
				}
				if f.IsExported() && f.Type != reflect.TypeFor[labels.Labels]() {
					walk(path+"."+f.Name, f.Type)
				}
			}
		}
	}
	walk("Leak", reflect.TypeFor[Leak]())
	if len(seen) < 5 {
		t.Fatalf("only %d types were seen", len(seen))
	}
}
