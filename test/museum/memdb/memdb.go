// Package memdb is a driver of database/sql whose every query has three rows.
package memdb

import (
	"database/sql"
	"database/sql/driver"
	"io"
)

func init() { sql.Register("memdb", opener{}) }

type (
	opener    struct{}
	conn      struct{}
	statement struct{}
	rows      struct{ left int }
)

func (opener) Open(string) (driver.Conn, error) { return conn{}, nil }

func (conn) Prepare(string) (driver.Stmt, error) { return statement{}, nil }
func (conn) Close() error                        { return nil }
func (conn) Begin() (driver.Tx, error)           { return conn{}, nil }
func (conn) Commit() error                       { return nil }
func (conn) Rollback() error                     { return nil }

func (statement) Close() error                               { return nil }
func (statement) NumInput() int                              { return -1 }
func (statement) Exec([]driver.Value) (driver.Result, error) { return driver.RowsAffected(1), nil }
func (statement) Query([]driver.Value) (driver.Rows, error)  { return &rows{left: 3}, nil }

func (*rows) Columns() []string { return []string{"id"} }
func (*rows) Close() error      { return nil }

func (r *rows) Next(dest []driver.Value) error {
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	dest[0] = int64(r.left)
	return nil
}
