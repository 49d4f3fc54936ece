// Command sqlrows wants the newest order, reads one row and forgets the rest:
// the rows are never closed, and their connection never comes back.
package main

import (
	"context"
	"database/sql"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	_ "github.com/gorowatch/gorowatch/test/museum/memdb"
)

type orders struct {
	db    *sql.DB
	fixed bool
}

func (o *orders) newest(ctx context.Context) (id int64, err error) {
	rows, err := o.db.QueryContext(ctx, "SELECT id FROM orders ORDER BY created DESC")
	if err != nil {
		return 0, err
	}
	if o.fixed {
		defer rows.Close()
	}
	if rows.Next() {
		err = rows.Scan(&id)
	}
	return id, err
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		o := &orders{db: exhibit.Must(sql.Open("memdb", "")), fixed: e.Fixed}
		e.Often(func() { exhibit.Must(o.newest(e.Ctx)) })
	})
}
