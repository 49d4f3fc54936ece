// Package view finds what the pages and the JSON API show: a service, a leak, a target, the
// profiles to compare, a profile that is taken on request.
//
// The package owns the values of that (Service, Instance, Target, Status), the interfaces that
// they come from, their order, the filters on them, and the bounds on reading profiles. It
// never renders: internal/web/pages makes pages and internal/web/apiv1 makes JSON. Its data
// come from its interfaces, which internal/app implements.
package view
