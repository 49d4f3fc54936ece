package kubeevents

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
)

// Bounds of a request.
const (
	requestTimeout = 10 * time.Second
	maxAnswer      = 1 << 20 // bytes
)

// object is the object of an Event.
type object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
}

// reference is an owner of an object.
type reference struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
	Controller bool   `json:"controller"`
}

// metadata is the part of an object that has its owners.
type metadata struct {
	Metadata struct {
		UID             string      `json:"uid"`
		OwnerReferences []reference `json:"ownerReferences"`
	} `json:"metadata"`
}

// owner returns the controller of an object; ok is false if it has none.
func (m metadata) owner(namespace string) (object, bool) {
	i := slices.IndexFunc(m.Metadata.OwnerReferences, func(o reference) bool { return o.Controller })
	if i < 0 {
		return object{}, false
	}
	o := m.Metadata.OwnerReferences[i]
	return object{o.APIVersion, o.Kind, namespace, o.Name, o.UID}, true
}

// api is the API server.
type api struct {
	url    *url.URL
	client *http.Client
}

// statusError is the error for an answer with another status than the wanted one.
type statusError struct {
	code int
	text string
}

func (e statusError) Error() string { return e.text }

func isStatus(err error, code int) bool {
	e, ok := errors.AsType[statusError](err)
	return ok && e.code == code
}

// do sends a request. into may be nil.
func (a api) do(ctx context.Context, method string, body, into any, path ...string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for i := range path {
		path[i] = url.PathEscape(path[i])
	}
	var payload io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.url.JoinPath(path...).String(), payload)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if method == http.MethodGet {
		// The specification of a pod is not needed.
		req.Header.Set("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("the answer broke off: %w", err)
	case len(text) > maxAnswer:
		return fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	case resp.StatusCode/100 != 2:
		var status struct{ Message string }
		_ = json.Unmarshal(text, &status) // a proxy answers with something else
		return statusError{resp.StatusCode, fmt.Sprintf("the API server answers %d: %s", resp.StatusCode, human.Line(status.Message, 300))}
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return errors.New("the answer is not JSON of the API server")
	}
	return nil
}

// workload returns the owner of a pod: the Deployment of its ReplicaSet, the CronJob of its
// Job, any other controller, or the pod itself.
func (a api) workload(ctx context.Context, namespace, pod string) (object, error) {
	var m metadata
	if err := a.do(ctx, http.MethodGet, nil, &m, "api", "v1", "namespaces", namespace, "pods", pod); err != nil {
		return object{}, err
	}
	owner, ok := m.owner(namespace)
	if !ok {
		return object{"v1", "Pod", namespace, pod, m.Metadata.UID}, nil
	}
	var path []string
	switch owner.APIVersion + " " + owner.Kind {
	case "apps/v1 ReplicaSet":
		path = []string{"apis", "apps", "v1", "namespaces", namespace, "replicasets", owner.Name}
	case "batch/v1 Job":
		path = []string{"apis", "batch", "v1", "namespaces", namespace, "jobs", owner.Name}
	default:
		return owner, nil
	}
	m = metadata{}
	switch err := a.do(ctx, http.MethodGet, nil, &m, path...); {
	case isStatus(err, http.StatusNotFound): // it is being deleted
		return owner, nil
	case err != nil:
		return object{}, err
	}
	if above, ok := m.owner(namespace); ok {
		return above, nil
	}
	return owner, nil
}

// event is a Kubernetes Event, in the form that kubectl describe reads.
type event struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	InvolvedObject     object            `json:"involvedObject"`
	Type               string            `json:"type"`
	Reason             string            `json:"reason"`
	Message            string            `json:"message"`
	Source             map[string]string `json:"source"`
	FirstTimestamp     string            `json:"firstTimestamp"`
	LastTimestamp      string            `json:"lastTimestamp"`
	Count              int               `json:"count"`
	ReportingComponent string            `json:"reportingComponent"`
}

// component is the reporter that kubectl describe shows.
const component = "gorowatch"

// create creates an Event. One that exists already, from another replica or from before a
// restart, is as good.
func (a api) create(ctx context.Context, e event) error {
	err := a.do(ctx, http.MethodPost, e, nil, "api", "v1", "namespaces", e.Metadata.Namespace, "events")
	if isStatus(err, http.StatusConflict) {
		return nil
	}
	return err
}
