// Package apiv1 serves the JSON API of version 1.
//
// The package owns the routes below /api/v1 with their parameters and answers, and it computes
// what a chart shows from a series. Types of the answers are those of internal/api/v1, their
// envelope is that of internal/web/envelope. It finds and reads nothing by itself:
// internal/web/view does. internal/web puts its routes beside the pages, behind the same checks
// of the host. The webhook for alerts is in internal/web/inbound.
package apiv1
