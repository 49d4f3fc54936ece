// Command run shows the museum to gorowatch: it builds the programs, runs them beside each
// other with a real Prometheus and a gorowatch, records the alerts and writes the results.
//
//	go run ./run                 two hours in real time, default settings
//	go run ./run -speed=8        the same in 15 minutes
//	go run ./run -verify         does each program do what cases.yaml says?
//	go run ./run -readme         write the tables of the README
package main
