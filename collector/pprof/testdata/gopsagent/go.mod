module gopsagent

go 1.26.0

require github.com/google/gops v0.3.29

require golang.org/x/sys v0.30.0 // indirect
