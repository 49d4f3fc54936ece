// Package post sends one JSON document to one receiver and classifies the failure.
//
// It owns the HTTP request, its bounds, the closed set of failures, and the policy
// of waits between attempts. It keeps no queue and never tries again: the packages
// alertmanager and webhook decide that from the Error.
package post
