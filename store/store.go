package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver, by its name
)

//go:embed migrations/*.sql
var migrations embed.FS

// A Store keeps attempts, windows and keys: in one SQLite file, which one process
// has at a time, or on PostgreSQL, which any number may share. It is safe for
// concurrent use.
type Store struct {
	owner   string
	lock    *lock // nil on PostgreSQL
	reader  *sql.DB
	backend backend
}

// A backend changes a database. A change that gives an error leaves nothing
// behind, and that error is given as it is; else what was changed is durable when
// the method returns. The context bounds only the wait for a place: what has begun
// is finished.
type backend interface {
	// move makes a move of the books. Its function may be called again.
	move(ctx context.Context, m move) error
	// do runs any other change in a transaction, and may run it again.
	do(ctx context.Context, run func(*tx) error) error
	// flush returns when the tables have all that was moved before.
	flush(ctx context.Context) error
	close() error
}

// Open opens the file at path, makes it where there is none, and brings its
// tables up to date. Where another process has it the error says which one.
func Open(ctx context.Context, path string) (_ *Store, err error) {
	path, err = place(path)
	if err != nil {
		return nil, err
	}
	held, err := takeLock(path)
	if err != nil {
		return nil, err
	}
	s := &Store{owner: rand.Text(), lock: held}
	defer func() {
		if err != nil {
			err = fmt.Errorf("open %s: %w", path, err)
			_ = s.Close()
		}
	}()
	db, err := sql.Open("sqlite", dsn(path, false))
	if err != nil {
		return nil, err
	}
	// One connection, because SQLite writes one transaction at a time anyway.
	db.SetMaxOpenConns(1)
	if err = migrate(ctx, db, goose.DialectSQLite3); err != nil {
		if damaged(ctx, db) {
			err = fmt.Errorf("the database is damaged; put a backup of it and what stands beside it in its place, or move it away: %w", err)
		}
		_ = db.Close()
		return nil, err
	}
	w, err := newWriter(db, path, s.owner)
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	s.backend = w
	if s.reader, err = sql.Open("sqlite", dsn(path, true)); err != nil {
		return nil, err
	}
	s.reader.SetMaxOpenConns(4)
	return s, nil
}

// place makes a file where there is none, and gives its path without links: by
// whatever name a store is opened, lock and journals stand beside the file itself.
func place(path string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make the folder of the store: %w", err)
	}
	// SQLite would give it to everyone to read, and it takes an empty one for a new one.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", fmt.Errorf("open the store: %w", err)
	}
	if err := f.Close(); err != nil {
		return "", fmt.Errorf("open the store: %w", err)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	return path, probe(filepath.Dir(path))
}

// probe tries whether a folder takes files, as a database needs it to: SQLite only
// says that it is unable to open one.
func probe(folder string) error {
	f, err := os.CreateTemp(folder, ".plantain-*")
	if err != nil {
		return fmt.Errorf("write into the folder of the store: %w", err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// damaged reports whether a file is no sound database.
func damaged(ctx context.Context, db *sql.DB) bool {
	var found string
	err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found)
	text := fmt.Sprint(err)
	return err == nil && found != "ok" || strings.Contains(text, "malformed") || strings.Contains(text, "not a database")
}

// query reads rows that have everything that was written before.
func (s *Store) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if err := s.backend.flush(ctx); err != nil {
		return nil, err
	}
	return s.reader.QueryContext(ctx, text, plain(args)...)
}

// dsn gives the address of a handle. Every one has WAL, a busy timeout and
// immediate transactions: deferred ones fail when two of them write.
func dsn(path string, readOnly bool) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"wal_autocheckpoint(8000)", // pages of 4 KiB: the busiest ones are then copied back less often
	}}
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

func migrate(ctx context.Context, db *sql.DB, d goose.Dialect, more ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(d, db, files, append(more, goose.WithSlog(slog.New(slog.DiscardHandler)))...)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the tables up to date: %w", err)
	}
	return nil
}

// Close finishes what is being written and gives the store back.
func (s *Store) Close() error {
	var errs []error
	if s.backend != nil {
		errs = append(errs, s.backend.close())
	}
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	return errors.Join(errs...)
}
