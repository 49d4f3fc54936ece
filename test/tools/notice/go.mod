// The reader of the licences of what the program links.
module github.com/gorowatch/gorowatch/test/tools/notice

go 1.26.0

require github.com/google/licensecheck v0.3.1
