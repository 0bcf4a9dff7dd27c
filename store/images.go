package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
)

var _ gallery.PictureRows = (*Store)(nil)

// HangPicture implements [gallery.PictureRows].
func (s *Store) HangPicture(ctx context.Context, p plantain.Picture) error {
	return s.backend.move(ctx, move{step: step{Hangs: &p}, fn: noWindow})
}

const (
	pictureColumns = `id, request, attempt, client, project, model, size, ratio, width, height, mime, bytes, digest, prompt, text,
		cost_low, cost_high, made, identity, given, thread, parent, draft, final, healed`
	insertPicture = `INSERT INTO images (` + pictureColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)
		ON CONFLICT (id) DO NOTHING`
)

func (t *tx) hang(p plantain.Picture) error {
	_, err := t.write(insertPicture,
		p.ID, p.Request, p.Attempt, p.Client, p.Project, p.Model, p.Size, p.Ratio, p.Width, p.Height, p.MIME, p.Bytes, p.Digest, p.Prompt, p.Text,
		int64(p.Cost.Low), int64(p.Cost.High), millis(p.Made), p.Identity, strings.Join(p.Given, " "), p.Thread, p.Parent, p.Draft, oneIf(p.Final), p.Healed)
	if err != nil {
		return fmt.Errorf("keep a picture: %w", err)
	}
	return nil
}

// oneIf is a bool as both databases keep it alike.
func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Pictures implements [gallery.PictureRows].
func (s *Store) Pictures(ctx context.Context, q gallery.Query) ([]plantain.Picture, error) {
	var w where
	w.and(q.ID != "", "id =", q.ID)
	w.and(q.Request != "", "request =", q.Request)
	w.and(q.Client != "", "client =", q.Client)
	w.and(q.Model != "", "model =", q.Model)
	w.and(q.Before != "", "id <", q.Before)
	w.and(q.Thread != "", "thread =", q.Thread)
	if q.Named != "" {
		// By length and not by LIKE, whose signs a name may hold.
		n, id := utf8.RuneCountInString(q.Named), w.add(q.Named)
		w.text += fmt.Sprintf(" AND (substr(id, 1, %d) = %s OR substr(request, 1, %d) = %s)", n, id, n, id)
	}
	if len(q.Identities) > 0 {
		w.text += " AND identity IN (" + list(&w, q.Identities) + ")"
	}
	return s.pictures(ctx, w.text+" ORDER BY id DESC LIMIT "+w.add(cmp.Or(q.Limit, 100)), w.args)
}

// Threads implements [gallery.PictureRows].
func (s *Store) Threads(ctx context.Context, q gallery.ThreadQuery) ([]plantain.Picture, error) {
	var of, last where
	of.and(q.Client != "", "client =", q.Client)
	last.args = of.args
	last.and(q.Before != "", "MAX(id) <", q.Before)
	return s.pictures(ctx, " AND thread IN (SELECT thread FROM images WHERE 1 = 1"+of.text+" GROUP BY thread HAVING 1 = 1"+last.text+
		" ORDER BY MAX(id) DESC LIMIT "+last.add(cmp.Or(q.Limit, 100))+") ORDER BY id DESC", last.args)
}

func (s *Store) pictures(ctx context.Context, conditions string, args []any) ([]plantain.Picture, error) {
	rows, err := s.query(ctx, "SELECT "+pictureColumns+" FROM images WHERE 1 = 1"+conditions, args...)
	if err != nil {
		return nil, fmt.Errorf("read the images: %w", err)
	}
	defer rows.Close()
	var found []plantain.Picture
	for rows.Next() {
		var p plantain.Picture
		var made int64
		var given string
		if err := rows.Scan(&p.ID, &p.Request, &p.Attempt, &p.Client, &p.Project, &p.Model, &p.Size, &p.Ratio, &p.Width, &p.Height, &p.MIME, &p.Bytes,
			&p.Digest, &p.Prompt, &p.Text, (*int64)(&p.Cost.Low), (*int64)(&p.Cost.High), &made, &p.Identity, &given, &p.Thread, &p.Parent,
			&p.Draft, &p.Final, &p.Healed); err != nil {
			return nil, fmt.Errorf("read the images: %w", err)
		}
		p.Made, p.Given = instant(made), strings.Fields(given)
		found = append(found, p)
	}
	return found, rows.Err()
}

// drops are pictures that are removed. The journal keeps them as it keeps those that
// are hung: one that is taken over twice must not bring back what was removed since.
type drops struct {
	IDs    []plantain.PictureID `json:"ids,omitempty"`
	Before int64                `json:"before,omitempty"` // Unix milliseconds: what was made before; 0: nothing by its age
}

func (t *tx) drop(d drops) error {
	for _, id := range d.IDs {
		if _, err := t.write("DELETE FROM images WHERE id = $1", id); err != nil {
			return fmt.Errorf("remove a picture: %w", err)
		}
	}
	if d.Before == 0 {
		return nil
	}
	if _, err := t.write("DELETE FROM images WHERE made < $1", d.Before); err != nil {
		return fmt.Errorf("remove old images: %w", err)
	}
	return nil
}

// DropPictures implements [gallery.PictureRows].
func (s *Store) DropPictures(ctx context.Context, ids []plantain.PictureID) error {
	if len(ids) == 0 {
		return nil
	}
	return s.backend.move(ctx, move{step: step{Drops: &drops{IDs: ids}}, fn: noWindow})
}

// ExpirePictures implements [gallery.PictureRows].
func (s *Store) ExpirePictures(ctx context.Context, before time.Time) (map[string]bool, error) {
	if !before.IsZero() {
		if err := s.backend.move(ctx, move{step: step{Drops: &drops{Before: millis(before)}}, fn: noWindow}); err != nil {
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
