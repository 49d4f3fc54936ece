// Command directory opens a pool of connections for each tenant at its first request. There
// are 250 of them, and a request is of any of them. So the pools fill up more and more slowly.
package main

import (
	"database/sql"
	"math/rand/v2"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	_ "github.com/gorowatch/gorowatch/test/museum/memdb"
)

type directory struct{ pools map[int]*sql.DB }

func (d *directory) serve() {
	tenant := rand.IntN(250)
	pool := d.pools[tenant]
	if pool == nil {
		pool = exhibit.Must(sql.Open("memdb", "tenant"))
		d.pools[tenant] = pool
	}
	exhibit.Must(pool.Exec("INSERT INTO visits VALUES (1)"))
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		d := &directory{pools: map[int]*sql.DB{}}
		e.Often(d.serve)
	})
}
