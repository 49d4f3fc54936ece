// Package kubeevents writes a Kubernetes Event on the workload of a leak when the leak fires
// and when it resolves, so that kubectl describe shows the line.
//
// It reads the metadata of a pod and its owners, and creates Events. It changes and deletes
// nothing. It asks the API server in the background, with bounds on time and bytes.
package kubeevents
