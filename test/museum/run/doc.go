// Command run shows the museum to gorowatch: it builds the programs, runs them
// beside each other with a real Prometheus and a gorowatch, records what is
// alerted and writes what came of it.
//
//	go run ./run                 two hours in real time, default settings
//	go run ./run -speed=8        the same in 15 minutes
//	go run ./run -verify         is each program what cases.yaml says of it?
//	go run ./run -readme         write the tables of the README
package main
