// Command sqlopen opens the database anew for each import, and leaves it open.
package main

import (
	"database/sql"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	_ "github.com/gorowatch/gorowatch/test/museum/memdb"
)

type imports struct {
	fixed bool
	rows  int64
}

func (i *imports) load() {
	db := exhibit.Must(sql.Open("memdb", "dsn"))
	if i.fixed {
		defer db.Close()
	}
	result := exhibit.Must(db.Exec("INSERT INTO stock VALUES (?)", 1))
	i.rows += exhibit.Must(result.RowsAffected())
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		i := &imports{fixed: e.Fixed}
		e.Often(i.load)
	})
}
