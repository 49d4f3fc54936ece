// Sumhandler adds up a list of numbers, one half in each of two goroutines.
// Its profiles are for those alone who have the token.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/service"
)

func main() {
	opts := service.Options{PprofToken: "abacus"}
	opts.Flags(flag.CommandLine)
	flag.Parse()

	mux := http.NewServeMux()
	if opts.Fixed {
		mux.HandleFunc("GET /sum", handleSumWithGroup)
	} else {
		mux.HandleFunc("GET /sum", handleSum)
	}
	service.Main(opts, mux)
}

// partial is the sum of a half.
type partial struct {
	sum int64
	err error
}

// handleSum leaks the other half when one half has a typo: it answers at the
// first error and never asks for the second sum.
func handleSum(w http.ResponseWriter, r *http.Request) {
	left, right := halves(r)
	sums := make(chan partial)
	go sendSum(left, sums)
	go sendSum(right, sums)
	var total int64
	for range 2 {
		half := <-sums
		if half.err != nil {
			http.Error(w, half.err.Error(), http.StatusBadRequest)
			return
		}
		total += half.sum
	}
	fmt.Fprintln(w, total)
}

func sendSum(numbers []string, sums chan<- partial) {
	total, err := sum(numbers)
	sums <- partial{sum: total, err: err} // LEAK
}

// handleSumWithGroup waits for both halves, whatever they say.
func handleSumWithGroup(w http.ResponseWriter, r *http.Request) {
	left, right := halves(r)
	var sums [2]int64
	var group errgroup.Group
	for i, half := range [][]string{left, right} {
		group.Go(func() (err error) {
			sums[i], err = sum(half)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, sums[0]+sums[1])
}

// halves splits the numbers that the request has: n=1,2,3.
func halves(r *http.Request) (left, right []string) {
	numbers := strings.Split(r.FormValue("n"), ",")
	middle := len(numbers) / 2
	return numbers[:middle], numbers[middle:]
}

func sum(numbers []string) (int64, error) {
	var total int64
	for _, number := range numbers {
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a whole number", number)
		}
		total += n
	}
	return total, nil
}
