package store

import (
	"context"
	"database/sql"
)

// A tx is a transaction on either database.
type tx struct {
	*sql.Tx
	ctx        context.Context      // of its statements
	statements map[string]*sql.Stmt // parsed before; nil: the driver keeps them
}

// row reads one row.
func (t *tx) row(text string, args ...any) *sql.Row {
	if s, ok := t.statements[text]; ok {
		return t.StmtContext(t.ctx, s).QueryRowContext(t.ctx, plain(args)...)
	}
	return t.QueryRowContext(t.ctx, text, plain(args)...)
}

// write executes a statement and gives how many rows it changed.
func (t *tx) write(text string, args ...any) (int64, error) {
	done, err := t.execute(text, plain(args))
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

func (t *tx) execute(text string, args []any) (sql.Result, error) {
	if s, ok := t.statements[text]; ok {
		return t.StmtContext(t.ctx, s).ExecContext(t.ctx, args...)
	}
	return t.ExecContext(t.ctx, text, args...)
}
