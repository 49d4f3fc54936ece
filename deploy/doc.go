// Package deploy has the Helm chart, the manifests rendered from it, and the other files for an
// installation. It has no code, only files and their tests.
package deploy
