// Package v1 holds the JSON that programs read: everything that the HTTP API answers, and one
// type for a stack, one for a leak, one for an interval. Scan, diff and check write these three
// as well, so a script that reads one of them can read the others. docs/openapi.yaml describes
// every field.
//
// The package owns names and forms of fields, and the conversion from the values of leak,
// internal/stack and trend. It never judges, filters or sorts, and it does no I/O:
// internal/web/apiv1, internal/scan and internal/diff encode its values.
//
// A field that is not known is null; one that does not apply is absent.
package v1
