package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/relay"
)

var _ gallery.AnswerRows = (*Store)(nil)

// claimAnswer takes a key, or holds on to it. A key that another request has is free
// again when that has expired.
const claimAnswer = `INSERT INTO answers (client, key, request, call, owner, lease, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (client, key) DO UPDATE SET request = excluded.request, call = excluded.call, owner = excluded.owner,
		lease = excluded.lease, expires = excluded.expires, kept = 0, status = 0, head = '', size = 0, unknown = 0
	WHERE answers.request = excluded.request OR answers.expires <= $8`

func (t *tx) claim(owner string, a plantain.Attempt) error {
	if a.Claim == (plantain.Claim{}) {
		return nil
	}
	n, err := t.write(claimAnswer, a.Client, a.Claim.Key, a.Request, a.Claim.Call, owner,
		millis(a.Deadline.Add(late)), millis(a.Claim.Expires), millis(a.Opened))
	if err != nil {
		return fmt.Errorf("claim a key: %w", err)
	}
	if n != 1 {
		return relay.ErrClaimed
	}
	return nil
}

const keepAnswer = `INSERT INTO answers (client, key, request, call, expires, kept, status, head, size, unknown)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
	ON CONFLICT (client, key) DO UPDATE SET expires = excluded.expires, kept = excluded.kept, status = excluded.status,
		head = excluded.head, size = excluded.size, unknown = excluded.unknown
	WHERE answers.request = excluded.request`

// keep writes an answer. One whose key another request has by now is forgotten.
func (t *tx) keep(a plantain.Answer) error {
	head, err := json.Marshal(a.Header)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	unknown := 0
	if a.Unknown {
		unknown = 1
	}
	_, err = t.write(keepAnswer, a.Client, a.Key, a.Request, a.Call, millis(a.Expires), millis(a.Kept), a.Status, string(head), a.Size, unknown)
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	return nil
}

// Owed implements [gallery.AnswerRows].
func (s *Store) Owed(ctx context.Context, by plantain.Answer, now time.Time) (*gallery.Owed, error) {
	if err := s.backend.flush(ctx); err != nil {
		return nil, err
	}
	where, args := "client = $1 AND key = $2", []any{by.Client, by.Key}
	if by.Key == "" {
		where, args = "request = $1", []any{by.Request}
	}
	var o gallery.Owed
	var owner, head string
	var lease, expires, at, unknown int64
	err := s.reader.QueryRowContext(ctx, `SELECT client, key, request, call, owner, lease, expires, kept, status, head, size, unknown
		FROM answers WHERE `+where, plain(args)...).
		Scan(&o.Client, &o.Key, &o.Request, &o.Call, &owner, &lease, &expires, &at, &o.Status, &head, &o.Size, &unknown)
	if errors.Is(err, sql.ErrNoRows) || err == nil && expires <= millis(now) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read an answer: %w", err)
	}
	o.Expires, o.Kept, o.Unknown = instant(expires), instant(at), unknown != 0
	if o.Kept.IsZero() {
		// In a file, whoever else claimed it is gone.
		o.Elsewhere = s.Shared() && owner != s.owner && lease > millis(now)
		o.Spent, err = s.spent(ctx, o.Request)
		return &o, err
	}
	if err := json.Unmarshal([]byte(head), &o.Header); err != nil {
		return nil, fmt.Errorf("decode an answer: %w", err)
	}
	return &o, nil
}

// spent is what the attempts of a request cost together, those that are out
// included.
func (s *Store) spent(ctx context.Context, r plantain.RequestID) (c plantain.Cost, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT CAST(COALESCE(SUM(cost_low), 0) AS BIGINT),
		CAST(COALESCE(SUM(CASE WHEN state = $2 THEN estimate ELSE cost_high END), 0) AS BIGINT)
		FROM attempts WHERE request = $1`, plain([]any{r, ledger.Sent})...).Scan((*int64)(&c.Low), (*int64)(&c.High))
	if err != nil {
		return c, fmt.Errorf("read what a request cost: %w", err)
	}
	return c, nil
}

// KeepAnswer implements [gallery.AnswerRows].
func (s *Store) KeepAnswer(ctx context.Context, a plantain.Answer) error {
	return s.backend.do(ctx, func(t *tx) error { return t.keep(a) })
}

// ReleaseClaim implements [gallery.AnswerRows].
func (s *Store) ReleaseClaim(ctx context.Context, r plantain.RequestID) error {
	return s.backend.do(ctx, func(t *tx) error {
		if _, err := t.write("DELETE FROM answers WHERE request = $1", r); err != nil {
			return fmt.Errorf("release a key: %w", err)
		}
		return nil
	})
}

// LoseAnswers implements [gallery.AnswerRows].
func (s *Store) LoseAnswers(ctx context.Context, requests []plantain.RequestID) error {
	if len(requests) == 0 {
		return nil
	}
	return s.backend.do(ctx, func(t *tx) error {
		for _, r := range requests {
			if _, err := t.write("UPDATE answers SET size = -1 WHERE request = $1", r); err != nil {
				return fmt.Errorf("note that an answer is gone: %w", err)
			}
		}
		return nil
	})
}

// ExpireAnswers implements [gallery.AnswerRows].
func (s *Store) ExpireAnswers(ctx context.Context, now time.Time) (map[string]bool, error) {
	err := s.backend.do(ctx, func(t *tx) error {
		if _, err := t.write("DELETE FROM answers WHERE expires <= $1", millis(now)); err != nil {
			return fmt.Errorf("remove old answers: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	rows, err := s.query(ctx, "SELECT request FROM answers WHERE kept <> 0 AND size >= 0")
	if err != nil {
		return nil, fmt.Errorf("read the answers: %w", err)
	}
	defer rows.Close()
	owed := map[string]bool{}
	for rows.Next() {
		var r string
		if err := rows.Scan(&r); err != nil {
			return nil, fmt.Errorf("read the answers: %w", err)
		}
		owed[r] = true
	}
	return owed, rows.Err()
}
