// Package config is the configuration file: its types, defaults and checks.
//
// Decoding is strict: an unknown key, a value of the wrong type or out of its
// range is an error that names the dotted field, the value and what was
// expected. Everything has a default, so an empty file is valid. The package
// reads YAML and touches nothing that runs; internal/app turns a Config into
// the options of the other packages.
package config
