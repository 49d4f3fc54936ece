// Package bounds limits the decoding of a profile and the memory that all decoders share. The
// decoders charge what they keep to an Account and read through a Reader; both fail with a
// reason once a bound is reached.
//
// It knows no format. The limits come from the configuration or from a subcommand.
package bounds
