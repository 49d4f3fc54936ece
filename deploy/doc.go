// Package deploy has the Helm chart, what is rendered from it, and what else
// gorowatch is installed with. There is nothing in it but files and the tests
// that hold them.
package deploy
