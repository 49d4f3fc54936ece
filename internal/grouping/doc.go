// Package grouping says whether the labels that form services fit the instances: whether
// there are such labels at all, and whether a service mixes several programs.
package grouping
