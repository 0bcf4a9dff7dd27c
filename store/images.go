package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/pool"
)

var _ gallery.PictureRows = (*Store)(nil)

// HangPicture implements [gallery.PictureRows].
func (s *Store) HangPicture(ctx context.Context, p plantain.Picture) error {
	return s.backend.move(ctx, move{step{Hangs: &p}, nil, func(pool.States) error { return nil }})
}

func (t *tx) hang(p plantain.Picture) error {
	_, err := t.write(`INSERT INTO images
		(id, request, attempt, client, project, model, size, width, height, mime, bytes, digest, prompt, cost_low, cost_high, made)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (id) DO NOTHING`,
		p.ID, p.Request, p.Attempt, p.Client, p.Project, p.Model, p.Size, p.Width, p.Height, p.MIME, p.Bytes, p.Digest, p.Prompt,
		int64(p.Cost.Low), int64(p.Cost.High), millis(p.Made))
	if err != nil {
		return fmt.Errorf("keep a picture: %w", err)
	}
	return nil
}

// Pictures implements [gallery.PictureRows].
func (s *Store) Pictures(ctx context.Context, q gallery.Query) ([]plantain.Picture, error) {
	where, args := "WHERE 1 = 1", []any{cmp.Or(q.Limit, 100)}
	and := func(set bool, condition string, value any) {
		if set {
			args = append(args, value)
			where += fmt.Sprintf(" AND %s $%d", condition, len(args))
		}
	}
	and(q.ID != "", "id =", q.ID)
	and(q.Request != "", "request =", q.Request)
	and(q.Client != "", "client =", q.Client)
	and(q.Model != "", "model =", q.Model)
	and(q.Before != "", "id <", q.Before)
	rows, err := s.query(ctx, `SELECT id, request, attempt, client, project, model, size, width, height, mime, bytes, digest, prompt, cost_low, cost_high, made
		FROM images `+where+` ORDER BY id DESC LIMIT $1`, args...)
	if err != nil {
		return nil, fmt.Errorf("read the images: %w", err)
	}
	defer rows.Close()
	var found []plantain.Picture
	for rows.Next() {
		var p plantain.Picture
		var made int64
		if err := rows.Scan(&p.ID, &p.Request, &p.Attempt, &p.Client, &p.Project, &p.Model, &p.Size, &p.Width, &p.Height, &p.MIME, &p.Bytes,
			&p.Digest, &p.Prompt, (*int64)(&p.Cost.Low), (*int64)(&p.Cost.High), &made); err != nil {
			return nil, fmt.Errorf("read the images: %w", err)
		}
		p.Made = instant(made)
		found = append(found, p)
	}
	return found, rows.Err()
}

// DropPictures implements [gallery.PictureRows].
func (s *Store) DropPictures(ctx context.Context, ids []plantain.PictureID) error {
	if len(ids) == 0 {
		return nil
	}
	return s.backend.do(ctx, func(t *tx) error {
		for _, id := range ids {
			if _, err := t.write("DELETE FROM images WHERE id = $1", id); err != nil {
				return fmt.Errorf("remove a picture: %w", err)
			}
		}
		return nil
	})
}

// ExpirePictures implements [gallery.PictureRows].
func (s *Store) ExpirePictures(ctx context.Context, before time.Time) (map[string]bool, error) {
	if !before.IsZero() {
		err := s.backend.do(ctx, func(t *tx) error {
			if _, err := t.write("DELETE FROM images WHERE made < $1", millis(before)); err != nil {
				return fmt.Errorf("remove old images: %w", err)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	rows, err := s.query(ctx, "SELECT id, mime FROM images")
	if err != nil {
		return nil, fmt.Errorf("read the images: %w", err)
	}
	defer rows.Close()
	files := map[string]bool{}
	for rows.Next() {
		var p plantain.Picture
		if err := rows.Scan(&p.ID, &p.MIME); err != nil {
			return nil, fmt.Errorf("read the images: %w", err)
		}
		files[p.File()] = true
	}
	return files, rows.Err()
}
