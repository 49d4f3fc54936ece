// Command schemas makes the JSON schemas that kubeconform checks manifests with: of the kinds
// that a chart may have, from the OpenAPI description of a version of Kubernetes and from
// custom resource definitions. References are inlined, and unknown fields forbidden.
//
//	schemas OUT swagger.json|crd.yaml...
package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// groups are those whose kinds our chart may have.
var groups = []string{"", "apps", "networking.k8s.io", "policy", "rbac.authorization.k8s.io"}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: schemas OUT swagger.json|crd.yaml...")
		os.Exit(2)
	}
	for _, file := range os.Args[2:] {
		if err := convert(os.Args[1], file); err != nil {
			fmt.Fprintf(os.Stderr, "schemas: %s: %v\n", file, err)
			os.Exit(1)
		}
	}
}

func convert(out, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if filepath.Ext(file) == ".yaml" {
		return crd(out, raw)
	}
	return openAPI(out, raw)
}

// kind is the name of a kind in OpenAPI.
type kind struct{ Group, Kind, Version string }

func openAPI(out string, raw []byte) error {
	var api struct {
		Definitions map[string]map[string]any
	}
	if err := json.Unmarshal(raw, &api); err != nil {
		return err
	}
	for name, definition := range api.Definitions {
		var about struct {
			Kinds []kind `json:"x-kubernetes-group-version-kind"`
		}
		if err := reread(definition, &about); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		// A definition of several kinds is no object of its own.
		if len(about.Kinds) != 1 {
			continue
		}
		k := about.Kinds[0]
		if !slices.Contains(groups, k.Group) || strings.HasSuffix(k.Kind, "List") {
			continue
		}
		if err := write(out, k, inline(api.Definitions, definition, nil).(map[string]any)); err != nil {
			return err
		}
	}
	return nil
}

func crd(out string, raw []byte) error {
	var crd struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct {
					Schema map[string]any `json:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(raw, &crd); err != nil {
		return err
	}
	for _, v := range crd.Spec.Versions {
		schema := inline(nil, v.Schema.Schema, nil).(map[string]any)
		if err := write(out, kind{crd.Spec.Group, crd.Spec.Names.Kind, v.Name}, schema); err != nil {
			return err
		}
	}
	return nil
}

// inline copies a schema with its references inlined, and with unknown fields forbidden where
// the fields are known. within are the definitions that it is part of: a recursive one ends as
// anything.
func inline(definitions map[string]map[string]any, schema any, within []string) any {
	switch s := schema.(type) {
	case []any:
		list := make([]any, len(s))
		for i, v := range s {
			list[i] = inline(definitions, v, within)
		}
		return list
	case map[string]any:
		if ref, ok := s["$ref"].(string); ok {
			name := strings.TrimPrefix(ref, "#/definitions/")
			switch {
			case slices.Contains(within, name):
				return map[string]any{}
			case strings.HasSuffix(name, ".intstr.IntOrString"), strings.HasSuffix(name, ".resource.Quantity"):
				return map[string]any{"type": []string{"string", "integer", "number"}}
			}
			return inline(definitions, definitions[name], append(slices.Clone(within), name))
		}
		object := maps.Clone(s)
		for key, v := range object {
			object[key] = inline(definitions, v, within)
		}
		// A description of fields, unless a field itself has the name.
		if _, known := object["properties"].(map[string]any); known && object["type"] == "object" {
			if _, said := object["additionalProperties"]; !said && object["x-kubernetes-preserve-unknown-fields"] != true {
				object["additionalProperties"] = false
			}
		}
		return object
	default:
		return schema
	}
}

// write puts a schema where kubeconform looks for it: kind-group-version.json.
func write(out string, k kind, schema map[string]any) error {
	if properties, ok := schema["properties"].(map[string]any); ok {
		// The definition of a custom resource leaves the metadata to the server.
		if metadata, ok := properties["metadata"].(map[string]any); ok && metadata["properties"] == nil {
			delete(metadata, "additionalProperties")
		}
	}
	name := strings.ToLower(k.Kind)
	if group, _, _ := strings.Cut(k.Group, "."); group != "" {
		name += "-" + group
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, name+"-"+k.Version+".json"), text, 0o644)
}

// reread converts a decoded value into v.
func reread(from, v any) error {
	raw, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}
