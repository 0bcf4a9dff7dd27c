package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// A journal is a file of what was promised and is not in the tables yet: records
// one after the other, each safe from the end of its process when append returns,
// and from that of the machine when sync does. It is written over from its start when
// the tables have what it held, so that it seldom grows: to write where there is
// space already is the cheapest durable write there is.
//
// Its form: a record is length and CRC-32C of what follows, each four bytes, big
// endian, then the number of the generation, eight bytes, then the text. A record
// of another generation than the first one's, or one that is damaged, ends it: that
// is what an earlier generation or a crash in the middle of a write left.
type journal struct {
	file       *os.File
	generation uint64
	size       int64  // of this generation's records
	space      int64  // of the file
	behind     bool   // records were written that the disk may not have yet
	record     []byte // the last one; room to put the next one together
}

const (
	recordHead = 16
	// journalSpace is what a journal takes on the disk from its beginning.
	journalSpace = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// records gives the texts that are whole, and their generation.
func records(file []byte) (generation uint64, texts [][]byte) {
	for len(file) >= recordHead {
		length := int(binary.BigEndian.Uint32(file))
		if length == 0 || length > len(file)-recordHead {
			break
		}
		body := file[8 : recordHead+length]
		of := binary.BigEndian.Uint64(body)
		if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(file[4:]) || len(texts) > 0 && of != generation {
			break
		}
		generation = of
		texts = append(texts, body[8:])
		file = file[recordHead+length:]
	}
	return generation, texts
}

// begin starts a generation, which is written over the one before it.
func (j *journal) begin(generation uint64) error {
	if j.space < journalSpace {
		// Zeros and not a hole: to fill a hole costs more than a write each time.
		if _, err := j.file.WriteAt(make([]byte, journalSpace), 0); err != nil {
			return err
		}
		if err := j.file.Sync(); err != nil {
			return err
		}
		j.space = journalSpace
	}
	j.generation, j.size, j.behind = generation, 0, false
	return nil
}

// append writes a record, which a killed process leaves whole; it is on the disk
// after the next sync. Where it gives an error there is none, as far as can be
// helped; the next one is written over it.
func (j *journal) append(text []byte) error {
	j.record = slices.Grow(j.record[:0], recordHead+len(text))[:recordHead]
	binary.BigEndian.PutUint32(j.record, uint32(len(text)))
	binary.BigEndian.PutUint64(j.record[8:], j.generation)
	j.record = append(j.record, text...)
	binary.BigEndian.PutUint32(j.record[4:], crc32.Checksum(j.record[8:], castagnoli))
	if _, err := j.file.WriteAt(j.record, j.size); err != nil {
		return err
	}
	j.size += int64(len(j.record))
	j.space = max(j.space, j.size)
	j.behind = true
	return nil
}

// sync returns when every record is on the disk.
func (j *journal) sync() error {
	if !j.behind {
		return nil
	}
	if err := datasync(j.file); err != nil {
		return err
	}
	j.behind = false
	return nil
}

// takeBack removes the last record, whose text this was: whoever reads the journal
// must not find what nobody was promised.
func (j *journal) takeBack(text []byte) {
	j.size -= int64(recordHead + len(text))
	_, _ = j.file.WriteAt(make([]byte, recordHead), j.size)
}

// journals are the two files beside a store: one is written to while the tables
// take over what the other one holds.
type journals struct {
	path  string      // of the store
	files [2]*journal // nil: not opened
	turns uint64      // the generation of the next record is one more
}

func (js *journals) name(i int) string { return fmt.Sprintf("%s.redo%d", js.path, i) }

// turn has the next record written to the other file, over what it holds.
func (js *journals) turn() { js.turns++ }

// append writes a record to the file whose turn it is.
func (js *journals) append(text []byte) error {
	i := int(js.turns % 2)
	if js.files[i] == nil {
		f, err := os.OpenFile(js.name(i), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		if err := syncFolder(js.path); err != nil {
			return errors.Join(err, f.Close()) // the next one tries again
		}
		js.files[i] = &journal{file: f}
	}
	if j := js.files[i]; j.generation != js.turns+1 {
		if err := j.begin(js.turns + 1); err != nil {
			return err
		}
	}
	return js.files[i].append(text)
}

// takeBack removes the last record, whose text this was.
func (js *journals) takeBack(text []byte) { js.files[js.turns%2].takeBack(text) }

// sync returns when every record of both files is on the disk: a younger one may
// settle what an older one opened.
func (js *journals) sync() error {
	for _, j := range js.files {
		if j != nil {
			if err := j.sync(); err != nil {
				return err
			}
		}
	}
	return nil
}

// read gives the records of both files, oldest first.
func (js *journals) read() ([][]byte, error) {
	var of [2]uint64
	var texts [2][][]byte
	for i := range texts {
		file, err := os.ReadFile(js.name(i))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		of[i], texts[i] = records(file)
	}
	if of[0] < of[1] {
		return slices.Concat(texts[0], texts[1]), nil
	}
	return slices.Concat(texts[1], texts[0]), nil
}

// remove removes both files: the tables have what they hold.
func (js *journals) remove() error {
	var errs []error
	for i, j := range js.files {
		if j != nil {
			errs = append(errs, j.file.Close())
		}
		if err := os.Remove(js.name(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	js.files = [2]*journal{}
	return errors.Join(errs...)
}

// syncFolder makes the name of a new file beside path durable.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
