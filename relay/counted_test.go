package relay

import (
	"errors"
	"os"
	"testing"

	"github.com/plantainhq/plantain/internal/spool"
)

// The HTTP/2 client of the standard library does so where a request ends while the
// network takes a piece of its body.
func TestABodyThatIsReadAfterItsRequestEndedIsClosed(t *testing.T) {
	t.Parallel()
	s, err := spool.New(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b := s.Buffer()
	if _, err := b.Write([]byte("a picture")); err != nil {
		t.Fatal(err)
	}
	body := &counted{body: b.Reader(nil), trace: &progress{}}
	if n, err := body.Read(make([]byte, 2)); n != 2 || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
	if err := body.Close(); err != nil {
		t.Fatal(err)
	}
	b.Release() // the last who held it
	if n, err := body.Read(make([]byte, 2)); n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("read %d, %v, want that it is closed", n, err)
	}
}
