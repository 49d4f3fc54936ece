// Command tenants opens a pool of connections for each tenant when it is first
// heard of. There are 250 of them.
package main

import (
	"database/sql"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	_ "github.com/gorowatch/gorowatch/test/museum/memdb"
)

type directory struct{ pools []*sql.DB }

func (d *directory) arrive() {
	if len(d.pools) == 250 {
		return
	}
	pool := exhibit.Must(sql.Open("memdb", "tenant"))
	d.pools = append(d.pools, pool)
	exhibit.Must(pool.Exec("INSERT INTO visits VALUES (1)"))
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		d := &directory{}
		e.Often(d.arrive)
	})
}
