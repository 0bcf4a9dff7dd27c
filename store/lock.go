package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/plantainhq/plantain"
)

// A Holder is the process that has a store.
type Holder struct {
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	Address string    `json:"address,omitempty"` // where its gateway listens; empty: it has none
	// Operator is the key by which the commands of this machine's user speak to that
	// gateway. It stands in the lock file, which only that user can read.
	Operator plantain.Secret `json:"-"`
}

// holderFile is a Holder as it stands in the lock file.
type holderFile struct {
	Holder
	Key string `json:"operator,omitempty"`
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
	if err == nil && !ok {
		// It may have been somebody who only looked.
		time.Sleep(50 * time.Millisecond)
		ok, err = l.file.TryLock()
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		return nil, &HeldError{path, readHolder(path)}
	}
	if err := l.announce("", plantain.Secret{}); err != nil {
		return nil, errors.Join(err, l.file.Unlock())
	}
	return l, nil
}

// announce writes who has the store, for the next one that wants it.
func (l *lock) announce(address string, operator plantain.Secret) error {
	text, err := json.Marshal(holderFile{Holder{PID: os.Getpid(), Since: l.since, Address: address}, operator.Reveal()})
	if err != nil {
		return err
	}
	// The lock may have made the file with other rights.
	if err := errors.Join(os.Chmod(l.file.Path(), 0o600), os.WriteFile(l.file.Path(), text, 0o600)); err != nil {
		return fmt.Errorf("write the lock: %w", err)
	}
	return nil
}

func (l *lock) release() error {
	_ = os.Truncate(l.file.Path(), 0) // its text only helps
	return l.file.Unlock()
}

func readHolder(path string) Holder {
	var h holderFile
	if text, err := os.ReadFile(lockPath(path)); err == nil {
		_ = json.Unmarshal(text, &h) // half written: the zero Holder
	}
	h.Operator = plantain.NewSecret(h.Key)
	return h.Holder
}

// Announce tells other processes of this user where the gateway that has the store
// listens, and by which key they may speak to it. A store on PostgreSQL has nobody
// to tell: commands use it beside the gateway.
func (s *Store) Announce(address string, operator plantain.Secret) error {
	if s.lock == nil {
		return nil
	}
	return s.lock.announce(address, operator)
}

// HeldBy gives the process that has the store at path; false where none has.
func HeldBy(path string) (Holder, bool) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Holder{}, false
	}
	if _, err := os.Stat(lockPath(path)); err != nil {
		return Holder{}, false
	}
	f := flock.New(lockPath(path))
	// A shared lock, so that two who look do not take each other for a holder.
	if ok, err := f.TryRLock(); err != nil || ok {
		_ = f.Unlock()
		return Holder{}, false
	}
	return readHolder(path), true
}
