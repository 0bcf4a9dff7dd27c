package thread

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/internal/shelf"
)

// A Memory keeps signatures in a folder, by client and by what they signed. The name of
// a file tells whose it is and what it signs, as a hash, so that to look one up is to
// open a file, gateways that share the folder share what they know, and no client gets
// what is another's. Nil knows none. It is safe for concurrent use, also by several
// processes, and must not be copied.
//
// A signature that a crash loses is one that was never seen: nothing waits for the disk.
type Memory struct {
	Age time.Duration // past which one that nobody needed goes; zero: none does
	Max int64         // bytes of all of them, past which those go that were not needed for longest; zero: no bound

	dir    string
	shelf  *shelf.Shelf
	used   atomic.Int64 // bytes, as far as known
	tidies sync.Mutex
}

// Open gives the memory of a folder, which is made where there is none.
func Open(dir string) (*Memory, error) {
	s, err := shelf.New(dir)
	if err != nil {
		return nil, fmt.Errorf("open the memory of signatures: %w", err)
	}
	return &Memory{dir: dir, shelf: s}, nil
}

// A file holds a signature between two marks, as it stands in JSON, so that one that was
// cut by a loss of power is known; or the name of the file that does.
const (
	signatureMark = "plantain signature 1\n"
	elsewhereMark = "plantain elsewhere 1\n"
	endMark       = "\n"
	nameLen       = 2 * sha256.Size
)

// name is the file of a client's key.
func name(of plantain.ClientName, k key) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", len(of), of, k))
	return hex.EncodeToString(sum[:])
}

// maxOpen bounds the files that are open for one request.
const maxOpen = 256

// Heal says how a request of a client is to be sent so that every turn of its model has
// the signature that it must have. Its error says that the request can't be understood;
// it may be sent as it came.
func (m *Memory) Heal(of plantain.ClientName, asked *gemini.Asked, body io.ReaderAt, now time.Time) (*Healing, error) {
	var open []io.Closer
	h, err := plan(asked, body, func(keys ...key) source {
		if m == nil || len(open) == maxOpen {
			return source{}
		}
		for _, k := range keys {
			if k == "" {
				continue
			}
			if f, s := m.find(name(of, k), now); f != nil {
				open = append(open, f)
				return s
			}
		}
		return source{}
	})
	if err != nil {
		return nil, errors.Join(err, (&Healing{open: open}).Close())
	}
	h.open = open
	return h, nil
}

// find opens a signature; nil: there is none, or none that is whole.
func (m *Memory) find(name string, now time.Time) (*os.File, source) {
	f, s, see := m.open(name, now)
	if see != "" {
		f, s, _ = m.open(see, now)
	}
	return f, s
}

// open opens a file, or gives the name of the one where its signature is.
func (m *Memory) open(name string, now time.Time) (_ *os.File, s source, see string) {
	f, err := m.shelf.Open(name)
	if err != nil {
		return nil, s, ""
	}
	is, err := f.Stat()
	if err == nil && (m.Age == 0 || now.Sub(is.ModTime()) < m.Age) {
		s, see = read(f, is.Size())
	}
	if s.len == 0 {
		_ = f.Close() // it was only read
		f = nil
	}
	if (f != nil || see != "") && now.Sub(is.ModTime()) > time.Hour {
		_ = m.shelf.Touch(name, now) // what can't be touched goes sooner
	}
	return f, s, see
}

// read tells what a file holds: a signature, or the name of another.
func read(f io.ReaderAt, size int64) (s source, see string) {
	head := make([]byte, len(elsewhereMark)+nameLen)
	n, _ := f.ReadAt(head, 0) // what is short is judged as it is
	head = head[:n]
	if other, ok := bytes.CutPrefix(head, []byte(elsewhereMark)); ok && len(other) == nameLen {
		return s, string(other)
	}
	from, last := int64(len(signatureMark)), make([]byte, len(endMark))
	if !bytes.HasPrefix(head, []byte(signatureMark)) || size <= from+int64(len(endMark)) {
		return s, ""
	}
	if _, err := f.ReadAt(last, size-int64(len(last))); err != nil || string(last) != endMark {
		return s, ""
	}
	return source{from: f, at: from, len: size - from - int64(len(endMark))}, ""
}

// keep writes a signature under its first key, and under the others where it is. One
// that is there stays: it signs the same.
func (m *Memory) keep(of plantain.ClientName, keys []key, sig source, now time.Time) error {
	var primary string
	for _, k := range keys {
		if k == "" {
			continue
		}
		n := name(of, k)
		var err error
		switch {
		case primary == "":
			primary, err = n, m.write(n, sig, now)
		case n != primary:
			err = m.put(n, now, words(elsewhereMark+primary))
		}
		if err != nil {
			return fmt.Errorf("remember a signature: %w", err)
		}
	}
	return nil
}

func (m *Memory) write(name string, sig source, now time.Time) error {
	if f, _, _ := m.open(name, now); f != nil {
		return f.Close()
	}
	return m.put(name, now, words(signatureMark), sig, words(endMark))
}

func (m *Memory) put(name string, now time.Time, content ...source) error {
	write := func(w io.Writer) error {
		_, err := io.Copy(w, &reader{content})
		return err
	}
	size, err := m.shelf.Put(name, write)
	if errors.Is(err, fs.ErrNotExist) { // somebody made it forget all by removing the folder
		if _, err = shelf.New(m.dir); err == nil {
			size, err = m.shelf.Put(name, write)
		}
	}
	if err != nil {
		return err
	}
	m.used.Add(onDisk(size))
	return m.shelf.Touch(name, now) // age counts by our clock
}

// onDisk is what a file takes at least.
func onDisk(size int64) int64 { return max(size, 4<<10) }

// Crowded reports that there is more than may be.
func (m *Memory) Crowded() bool { return m != nil && m.Max > 0 && m.used.Load() > m.Max }

// halfWritten is the age from which on a file that is being written has no writer.
const halfWritten = 15 * time.Minute

// Tidy removes what is too old, what a crash left half written, and, where the bound is
// passed, those that were not needed for longest until a tenth of it is free. alone says
// that no other process writes to the folder and this one has not begun.
func (m *Memory) Tidy(now time.Time, alone bool) error {
	if m == nil {
		return nil
	}
	m.tidies.Lock()
	defer m.tidies.Unlock()
	files, err := m.shelf.List()
	if err != nil {
		return err
	}
	var stay []shelf.File
	for _, f := range files {
		if half := strings.HasPrefix(f.Name, shelf.NewPrefix); half && (alone || time.Since(f.At) > halfWritten) ||
			!half && m.Age > 0 && now.Sub(f.At) >= m.Age {
			err = errors.Join(err, m.shelf.Remove(f.Name))
			continue
		}
		f.Size = onDisk(f.Size)
		stay = append(stay, f)
	}
	m.used.Store(shelf.Total(stay))
	for _, f := range shelf.Oldest(stay, func(shelf.File) bool { return true }, m.Max) {
		err = errors.Join(err, m.shelf.Remove(f.Name))
		m.used.Add(-f.Size)
	}
	return err
}
