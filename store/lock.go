package store

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// A Holder is the process that has a store.
type Holder struct {
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	Address string    `json:"address,omitempty"` // where its gateway listens; empty: it has none
}

// A HeldError says that another process has the store.
type HeldError struct {
	Path   string
	Holder Holder
}

func (e *HeldError) Error() string {
	who := fmt.Sprintf("process %d", e.Holder.PID)
	if e.Holder.Address != "" {
		who += ", a gateway on " + e.Holder.Address
	}
	return fmt.Sprintf("%s is in use by %s since %s; stop it, or use another store", e.Path, who, e.Holder.Since.Format(time.DateTime))
}

// lock is the file lock beside a store. The file itself stays: to remove it
// would let two processes lock two files of one name.
type lock struct {
	file  *flock.Flock
	since time.Time
}

func lockPath(path string) string { return path + ".lock" }

func takeLock(path string) (*lock, error) {
	l := &lock{file: flock.New(lockPath(path)), since: time.Now()}
	ok, err := l.file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		return nil, &HeldError{path, readHolder(path)}
	}
	return l, l.announce("")
}

// announce writes who has the store, for the next one that wants it.
func (l *lock) announce(address string) error {
	text, err := json.Marshal(Holder{PID: os.Getpid(), Since: l.since, Address: address})
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.file.Path(), text, 0o600); err != nil {
		return fmt.Errorf("write the lock: %w", err)
	}
	return nil
}

func (l *lock) release() error {
	_ = os.Truncate(l.file.Path(), 0) // its text only helps
	return l.file.Unlock()
}

func readHolder(path string) (h Holder) {
	if text, err := os.ReadFile(lockPath(path)); err == nil {
		_ = json.Unmarshal(text, &h) // half written: the zero Holder
	}
	return h
}

// Announce tells other processes where the gateway that has the store listens.
func (s *Store) Announce(address string) error { return s.lock.announce(address) }

// HeldBy gives the process that has the store at path; false where none has.
func HeldBy(path string) (Holder, bool) {
	if _, err := os.Stat(lockPath(path)); err != nil {
		return Holder{}, false
	}
	f := flock.New(lockPath(path))
	if ok, err := f.TryLock(); err != nil || ok {
		_ = f.Unlock()
		return Holder{}, false
	}
	return readHolder(path), true
}
