package store

import (
	"context"
	"fmt"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

var _ relay.Books = (*Store)(nil)

// Open implements [relay.Books].
func (s *Store) Open(ctx context.Context, a plantain.Attempt, keys []pool.Key, fn func(pool.States) error) error {
	return s.backend.move(ctx, move{step{Opens: &a}, keys, fn})
}

const insertAttempt = `INSERT INTO attempts
	(id, request, number, client, project, model, size, state, owner, estimate, opened, deadline, continues, waited, draft, spares, final_of)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
	ON CONFLICT (id) DO NOTHING`

func (t *tx) open(owner string, a plantain.Attempt) error {
	n, err := t.write(insertAttempt, a.ID, a.Request, a.Number, a.Client, a.Project, a.Model, a.Size, ledger.Sent, owner,
		int64(a.Estimate), a.Opened.UnixMilli(), a.Deadline.UnixMilli(), a.Continues, a.Waited.Milliseconds(), a.Draft, int64(a.Spares), a.Final)
	if err != nil {
		return fmt.Errorf("write an attempt: %w", err)
	}
	if n != 1 {
		return errUsed
	}
	return t.claim(owner, a)
}

// Settle implements [relay.Books].
func (s *Store) Settle(ctx context.Context, e ledger.Entry, keys []pool.Key, fn func(pool.States) error) error {
	return s.backend.move(ctx, move{step{Settles: &e}, keys, fn})
}

const settleAttempt = `UPDATE attempts SET
	state = $1, sent = $2, settled = $3, took = $4, stage = $5, status = $6,
	verdict = $7, charged = $8, bound = $9, explanation = $10, cost_low = $11, cost_high = $12,
	finish = $13, served = $14, response_id = $15, images = $16, width = $17, height = $18,
	prompt_tokens = $19, output_tokens = $20, image_tokens = $21, think_tokens = $22, answer_bytes = $23,
	differs = $24, continuation = $25
	WHERE id = $26 AND state = $27`

func (t *tx) settle(e ledger.Entry) error {
	n, err := t.write(settleAttempt,
		ledger.Settled, millis(e.Sent), millis(e.Settled), e.Took.Milliseconds(), e.Stage, e.Status,
		e.Verdict.Class, e.Verdict.Charged, e.Verdict.Limit, explanation(e.Verdict), int64(e.Cost.Low), int64(e.Cost.High),
		e.Finish, e.Served, e.ResponseID, e.Images, e.Width, e.Height,
		e.Usage.Prompt, e.Usage.Candidates, e.Usage.ImageOut, e.Usage.Thoughts, e.AnswerLength,
		e.Differs, e.Continuation, e.Attempt, ledger.Sent)
	if err != nil {
		return fmt.Errorf("settle an attempt: %w", err)
	}
	if n != 1 {
		return relay.ErrNotOut
	}
	if e.Answer == nil {
		return nil
	}
	return t.keep(*e.Answer)
}

// explanation is kept where there is something to explain.
func explanation(v plantain.Verdict) string {
	if v.Class == plantain.Success {
		return ""
	}
	return v.Explanation
}

// millis gives an instant as it is kept; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

const orphaned = "The gateway stopped while this attempt was out, or nobody settled it before its deadline. " +
	"Google may have made the image and charged for it: the cost is a range from nothing to the most it can have been."

// late is how long after its deadline an attempt may still be settled by whoever
// sent it.
const late = time.Minute

// Recover gives up as unknown what is so long past its deadline that nobody will
// settle it, and, in a file, what an earlier process left out: since one process
// has it at a time, all that another one opened was left behind. On PostgreSQL
// those others may be alive. It reports how many attempts that were. Their room
// comes back after their deadline.
func (s *Store) Recover(ctx context.Context, now time.Time) (int64, error) {
	left := "deadline < $7"
	args := []any{ledger.Unknown, millis(now), plantain.Unanswered, plantain.ChargedUnknown, orphaned, ledger.Sent, millis(now.Add(-late))}
	if !s.Shared() {
		left, args = "(deadline < $7 OR owner <> $8)", append(args, s.owner)
	}
	var n int64
	err := s.backend.do(ctx, func(t *tx) error {
		var err error
		n, err = t.write(`UPDATE attempts SET state = $1, settled = $2, verdict = $3, charged = $4, explanation = $5,
			cost_low = 0, cost_high = estimate
			WHERE state = $6 AND `+left, args...)
		if err != nil {
			return fmt.Errorf("recover: %w", err)
		}
		return nil
	})
	return n, err
}

// A Row is an attempt as it stands in the ledger.
type Row struct {
	plantain.Attempt
	State ledger.State
	Entry ledger.Entry // its Verdict has class, charged, limit and explanation
	// After is the attempt that this one goes on with; empty: none, or none of ours.
	After plantain.AttemptID
}

// Attempts gives the attempts of a request in order, or, for an empty request,
// the most recent ones, newest first, at most limit.
func (s *Store) Attempts(ctx context.Context, request plantain.RequestID, limit int) ([]Row, error) {
	which, args := "WHERE request = $2 ORDER BY number", []any{limit, request}
	if request == "" {
		which, args = "ORDER BY id DESC", args[:1] // ids sort by time
	}
	rows, err := s.query(ctx, `SELECT id, request, number, client, project, model, size, state, estimate, opened, deadline,
		sent, settled, took, stage, status, verdict, charged, bound, explanation, cost_low, cost_high,
		finish, served, response_id, images, width, height, prompt_tokens, output_tokens, image_tokens, think_tokens, answer_bytes, differs,
		continues, continuation, waited, draft, spares, final_of, `+after+`
		FROM attempts `+which+` LIMIT $1`, args...)
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	defer rows.Close()
	var out []Row
	for rows.Next() {
		r, err := scanRow(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Newest gives the request of a client, or of all for an empty one, that came last of
// those of which an attempt was made; empty: there is none.
func (s *Store) Newest(ctx context.Context, c plantain.ClientName) (plantain.RequestID, error) {
	var of where
	of.and(c != "", "client =", c)
	rows, err := s.query(ctx, "SELECT request FROM attempts WHERE 1 = 1"+of.text+" ORDER BY request DESC LIMIT 1", of.args...)
	if err != nil {
		return "", fmt.Errorf("read attempts: %w", err)
	}
	defer rows.Close()
	var newest plantain.RequestID
	if rows.Next() {
		if err := rows.Scan(&newest); err != nil {
			return "", fmt.Errorf("read attempts: %w", err)
		}
	}
	return newest, rows.Err()
}

// after is the first attempt whose answer had the token that a request carried.
const after = `COALESCE((SELECT MIN(first.id) FROM attempts AS first
	WHERE first.continuation = attempts.continues AND first.client = attempts.client AND attempts.continues <> ''), '')`

func scanRow(scan func(...any) error) (Row, error) {
	var r Row
	var estimate, low, high, opened, deadline, sent, settled, took, waited int64
	e := &r.Entry
	err := scan(&r.ID, &r.Request, &r.Number, &r.Client, &r.Project, &r.Model, &r.Size, &r.State, &estimate, &opened, &deadline,
		&sent, &settled, &took, &e.Stage, &e.Status, &e.Verdict.Class, &e.Verdict.Charged, &e.Verdict.Limit, &e.Verdict.Explanation,
		&low, &high, &e.Finish, &e.Served, &e.ResponseID, &e.Images, &e.Width, &e.Height,
		&e.Usage.Prompt, &e.Usage.Candidates, &e.Usage.ImageOut, &e.Usage.Thoughts, &e.AnswerLength, &e.Differs,
		&r.Continues, &e.Continuation, &waited, &r.Draft, (*int64)(&r.Spares), &r.Final, &r.After)
	if err != nil {
		return r, fmt.Errorf("read an attempt: %w", err)
	}
	r.Estimate, e.Attempt = plantain.Nanodollars(estimate), r.ID
	e.Cost = plantain.Cost{Low: plantain.Nanodollars(low), High: plantain.Nanodollars(high)}
	r.Opened, r.Deadline, e.Sent, e.Settled = instant(opened), instant(deadline), instant(sent), instant(settled)
	e.Took, r.Waited = time.Duration(took)*time.Millisecond, time.Duration(waited)*time.Millisecond
	return r, nil
}
