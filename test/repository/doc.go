// Package repository tests what surrounds the code: workflows, issue forms, NOTICE, and the
// files that GitHub reads. It only has tests.
package repository
