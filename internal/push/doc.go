// Package push receives profiles from Pyroscope's clients, in two ways: POST /ingest, as
// pyroscope-go sends them, and push.v1.PusherService/Push, a unary call of the Connect
// protocol, as Grafana Alloy's pyroscope.write makes it.
//
// A request is admitted within the bounds of its sender and read into profiles with labels
// (ingest.go, connect.go). Then each profile is routed: its names decide on its kind, its
// labels on its instance, and the Backend says whether it is needed. Only a profile that is
// needed is decompressed. Others are dropped and counted with a reason from a closed set.
//
// The package knows who sends how much. It never decides which profiles are needed, judges
// none, and makes no requests. The login is that of the web configuration, which a request has
// passed before it comes here.
package push
