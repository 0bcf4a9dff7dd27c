package thread

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"sync/atomic"
)

// How says what it took to heal a request.
type How string

// What a request may have taken, the better ones first.
const (
	Untouched   How = ""            // nothing: it goes as it came
	Remembered  How = "memory"      // every turn has the signature that Google gave it
	Placeholder How = "placeholder" // one at least was never seen, and has Google's documented stand-in
	Flattened   How = "flattened"   // what the model said is sent as if the user had
)

// Dummy is the documented value that passes in the place of a signature which is lost
// (gemini-api.md §4).
const Dummy = "skip_thought_signature_validator"

// A Healing is how a request is to be sent. The zero value and nil are a request that
// goes as it came. It holds what it reads the signatures from until it is closed and so
// is every Reader of it.
type Healing struct {
	How     How
	splices []splice // in the order of the body, none over another
	open    []io.Closer
	holders atomic.Int32 // readers that are open; one less once the Healing itself is closed
}

// A splice is a run of a body that other bytes take the place of.
type splice struct {
	at, cut int64
	put     []source
}

// A source is where bytes come from: a text, or a run of what can be read.
type source struct {
	text    string
	from    io.ReaderAt // nil: text
	at, len int64
}

func words(text string) source { return source{text: text, len: int64(len(text))} }

// Grows is by how much the request is longer than the body that came.
func (h *Healing) Grows() (n int64) {
	if h == nil {
		return 0
	}
	for _, s := range h.splices {
		n -= s.cut
		for _, p := range s.put {
			n += p.len
		}
	}
	return n
}

// Reader gives the request as it is to be sent, of a body of a size. Several may be
// read at once. Close it.
func (h *Healing) Reader(body io.ReaderAt, size int64) io.ReadCloser {
	h.holders.Add(1)
	var all []source
	at := int64(0)
	for _, s := range h.splices {
		all = append(all, source{from: body, at: at, len: s.at - at})
		all = append(all, s.put...)
		at = s.at + s.cut
	}
	all = append(all, source{from: body, at: at, len: size - at})
	return &sending{reader: reader{all}, of: h}
}

// A sending reads a request as it is to be sent.
type sending struct {
	reader
	of *Healing
}

// Close lets go of the signatures. A second one does nothing.
func (s *sending) Close() error {
	of := s.of
	s.of = nil
	return of.Close()
}

// Close lets go of the signatures, which the last one to do so gives back.
func (h *Healing) Close() error {
	if h == nil || h.holders.Add(-1) >= 0 {
		return nil
	}
	var errs []error
	for _, c := range h.open {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// settle puts the splices in order. It errs where one lies over another: then the body
// is not what it was taken for.
func (h *Healing) settle() error {
	slices.SortStableFunc(h.splices, func(a, b splice) int { return cmp.Compare(a.at, b.at) })
	end := int64(0)
	for _, s := range h.splices {
		if s.at < end {
			return errors.New("thread: the changes of a request overlap")
		}
		end = s.at + s.cut
	}
	return nil
}

// A reader reads sources one after another.
type reader struct{ rest []source }

func (r *reader) Read(p []byte) (int, error) {
	for len(r.rest) > 0 && r.rest[0].len == 0 {
		r.rest = r.rest[1:]
	}
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	s := &r.rest[0]
	p = p[:min(int64(len(p)), s.len)]
	if s.from == nil {
		n := copy(p, s.text)
		s.text, s.len = s.text[n:], s.len-int64(n)
		return n, nil
	}
	n, err := s.from.ReadAt(p, s.at)
	s.at, s.len = s.at+int64(n), s.len-int64(n)
	switch {
	case n > 0:
		return n, nil
	case err == nil || errors.Is(err, io.EOF):
		return 0, io.ErrUnexpectedEOF
	default:
		return 0, err
	}
}
