package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

// probeEvery is how often it is tried whether what could not be written can be
// again.
const probeEvery = 3 * time.Second

// A keeping knows whether what is paid for can be kept: bodies in the spool,
// attempts in the books. While it can't, no attempt is opened. The zero value can.
type keeping struct {
	mu     sync.Mutex
	spool  *Unkept // why the spool can't be written; nil: it can
	size   int64   // of the longest body that it failed at
	books  *Unkept
	owed   []debt          // what the books have not taken, oldest first
	mended <-chan struct{} // closed when the goroutine that mends has ended; nil: there is none
	stop   context.CancelFunc

	// What the log tells of trouble is one line when it comes and one when it is over,
	// though a full disk takes something now and then.
	told  []string  // what could not be written; empty: there is no trouble
	since time.Time // when it began
	calm  bool      // all was well at the last look, and nothing failed since
}

// A debt is a settlement that the books owe.
type debt struct {
	request plantain.RequestID
	attempt plantain.AttemptID
	cost    plantain.Cost
	settle  func() error
}

// An Unkept error says that nothing is sent, because it could not be kept.
type Unkept struct {
	What  string // "the spool" or "the store"
	Cause error  // for the log; it may name a path
}

func (u *Unkept) Unwrap() error { return u.Cause }

func (u *Unkept) Error() string {
	text := u.What + " of the gateway can't be written"
	if no := syscall.Errno(0); errors.As(u.Cause, &no) {
		text += " (" + no.Error() + ")"
	}
	return text
}

// Ready gives the reason why nothing is sent at this moment, in words without a
// path: an [Unkept], or that the Transport was stopped. Nil: all is well.
func (t *Transport) Ready() error {
	if t.stopping.Load() {
		return errStopping
	}
	return t.keeping.able()
}

// Examine tries whether the spool can be written, before anything depends on it.
func (t *Transport) Examine() error {
	if err := t.start(); err != nil {
		return err
	}
	if err := t.spool.Probe(0); err != nil {
		return t.spoolFailed(err, 0)
	}
	return nil
}

func (k *keeping) able() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.spool != nil:
		return k.spool
	case k.books != nil:
		return k.books
	default:
		return nil
	}
}

// spoolFailed notes that the spool failed at a body of a size, and gives that as
// the reason to refuse what comes.
func (t *Transport) spoolFailed(err error, size int64) (why *Unkept) {
	why = &Unkept{"the spool", err}
	k := &t.keeping
	k.mu.Lock()
	defer k.mu.Unlock()
	k.spool, k.size = why, max(k.size, size)
	t.mendLater(why)
	return why
}

func (t *Transport) booksFailed(err error) (why *Unkept) {
	why = &Unkept{"the store", err}
	k := &t.keeping
	k.mu.Lock()
	defer k.mu.Unlock()
	k.books = why
	t.mendLater(why)
	return why
}

// owe keeps a settlement that the books did not take, to be tried again until
// they do or the process ends. There are never more of them than attempts were out:
// while one is owed no other is opened.
func (t *Transport) owe(d debt) {
	t.keeping.mu.Lock()
	defer t.keeping.mu.Unlock()
	t.keeping.owed = append(t.keeping.owed, d)
}

// mendLater tells of a failure that is news, and starts the goroutine that mends,
// where none runs. keeping.mu is held.
func (t *Transport) mendLater(why *Unkept) {
	k := &t.keeping
	if len(k.told) == 0 {
		k.since = t.now()
	}
	if !slices.Contains(k.told, why.What) {
		k.told = append(k.told, why.What)
		t.log().Error(why.What+" can't be written: nothing is sent until it can", "error", why.Cause)
	}
	k.calm = false
	if k.mended != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	k.mended, k.stop = done, stop
	go func() {
		defer close(done)
		defer stop()
		t.mend(ctx)
	}()
}

// mend tries again until all stays well or the context ends.
func (t *Transport) mend(ctx context.Context) {
	tick := time.NewTicker(t.Clock.Real(probeEvery))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		t.probeSpool()
		t.probeBooks()
		if t.mendedForGood() {
			return
		}
	}
}

// mendedForGood ends the mending where all has been well from one look to the next.
func (t *Transport) mendedForGood() bool {
	k := &t.keeping
	k.mu.Lock()
	defer k.mu.Unlock()
	well := k.spool == nil && k.books == nil && len(k.owed) == 0
	if !well || !k.calm {
		k.calm = well
		return false
	}
	t.log().Info("what is paid for can be kept again: requests are sent", "after", t.now().Sub(k.since).Round(time.Second))
	k.told, k.mended = nil, nil
	return true
}

// probeSpool writes as much as the spool failed at.
func (t *Transport) probeSpool() {
	k := &t.keeping
	k.mu.Lock()
	ill, size := k.spool != nil, k.size
	k.mu.Unlock()
	if !ill || t.spool.Probe(size) != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.spool, k.size = nil, 0
}

// probeBooks settles what is owed; where nothing is, it changes a window that
// belongs to no project.
func (t *Transport) probeBooks() {
	k := &t.keeping
	k.mu.Lock()
	ill := k.books != nil
	k.mu.Unlock()
	if !ill || t.payDebts() != nil {
		return
	}
	if s, ok := t.books.(pool.Store); ok {
		nobody := pool.Key{}
		err := s.Update(context.Background(), []pool.Key{nobody}, func(s pool.States) error {
			s[nobody].Seq++
			return nil
		})
		if err != nil {
			return
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.owed) == 0 {
		k.books = nil
	}
}

// payDebts settles what is owed, oldest first, up to the first failure.
func (t *Transport) payDebts() error {
	k := &t.keeping
	for {
		k.mu.Lock()
		if len(k.owed) == 0 {
			k.mu.Unlock()
			return nil
		}
		d := k.owed[0]
		k.mu.Unlock()
		err := d.settle()
		if err != nil && !errors.Is(err, ErrNotOut) {
			return err
		}
		t.log().Info("an attempt was settled late", "request", d.request, "attempt", d.attempt, "cost", d.cost.String(), "error", err)
		k.mu.Lock()
		k.owed = k.owed[1:]
		k.mu.Unlock()
	}
}

// endKeeping ends the mending and tries once more. Its error says what the books
// never took.
func (t *Transport) endKeeping() error {
	k := &t.keeping
	k.mu.Lock()
	mended, stop := k.mended, k.stop
	k.mended = nil
	k.mu.Unlock()
	if mended != nil {
		stop()
		<-mended
	}
	if err := t.payDebts(); err != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		return fmt.Errorf("%d attempt(s) could not be settled and will stand as unknown: %w", len(k.owed), err)
	}
	return nil
}
