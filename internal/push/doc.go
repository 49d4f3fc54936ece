// Package push takes profiles that are sent unasked, in the two ways of Pyroscope:
// POST /ingest, as pyroscope-go sends them, and push.v1.PusherService/Push, a unary
// call of the Connect protocol, as Grafana Alloy's pyroscope.write makes it.
//
// A request is admitted within the bounds of its sender, read into profiles with
// labels (ingest.go, connect.go), and each profile is routed: its kind is told from
// its names, its instance from its labels, and the Backend says whether it is needed.
// Only a profile that is needed is decompressed. What cannot be used is dropped and
// counted with a reason from a closed set.
//
// The package knows who sends how much. It never decides which profiles are needed,
// judges none, and asks nobody. The login is that of the web configuration, which a
// request has passed before it comes here.
package push
