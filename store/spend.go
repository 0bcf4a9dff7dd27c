package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
)

// spendColumns are what each dimension is in SQL; the others are NULL. Time is told
// in quarters of an hour, of which the caller makes hours and days of its zone.
var spendColumns = []struct {
	column string
	of     []ledger.Dimension
}{
	{"project", []ledger.Dimension{ledger.ByProject}},
	{"client", []ledger.Dimension{ledger.ByClient}},
	{"model", []ledger.Dimension{ledger.ByModel}},
	{"CASE WHEN size = '' THEN '" + ledger.NoSize + "' ELSE size END", []ledger.Dimension{ledger.BySize}},
	{"CASE WHEN state = 'sent' THEN '" + ledger.Out + "' WHEN verdict = '' THEN 'unclassifiable' ELSE verdict END", []ledger.Dimension{ledger.ByVerdict}},
	{"opened / 900000", []ledger.Dimension{ledger.ByHour, ledger.ByDay}},
}

// spendSums are the fields of a [ledger.Sums], in whole numbers on both databases:
// PostgreSQL sums up BIGINT as NUMERIC. An attempt that is out costs something from
// nothing to its estimate.
const spendSums = `, COUNT(*), CAST(SUM(images) AS BIGINT),
	CAST(SUM(cost_low) AS BIGINT),
	CAST(SUM(CASE WHEN state = 'sent' THEN estimate ELSE cost_high END) AS BIGINT),
	CAST(SUM(CASE WHEN verdict <> 'success' AND images = 0 THEN cost_low ELSE 0 END) AS BIGINT),
	CAST(SUM(CASE WHEN cost_low <> cost_high OR state = 'sent' THEN 1 ELSE 0 END) AS BIGINT)`

// Spend sums up what the attempts of a query cost.
func (s *Store) Spend(ctx context.Context, q ledger.Query) (ledger.Report, error) {
	if err := q.Check(); err != nil {
		return ledger.Report{}, err
	}
	text, args := spendQuery(q)
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return ledger.Report{}, fmt.Errorf("sum up spend: %w", err)
	}
	defer rows.Close()
	tally := ledger.NewTally(q)
	for rows.Next() {
		var project, client, model, size, verdict *string
		var quarter *int64
		var sums ledger.Sums
		if err := rows.Scan(&project, &client, &model, &size, &verdict, &quarter,
			&sums.Attempts, &sums.Images, &sums.Cost.Low, &sums.Cost.High, &sums.Waste, &sums.Unsure); err != nil {
			return ledger.Report{}, fmt.Errorf("sum up spend: %w", err)
		}
		sums.Unknown = sums.Cost.High - sums.Cost.Low
		g := ledger.Group{
			Project: plantain.ProjectName(value(project)), Client: plantain.ClientName(value(client)), Model: plantain.Model(value(model)),
			Size: value(size), Verdict: value(verdict),
		}
		if quarter != nil {
			g.From = time.Unix(0, *quarter*int64(ledger.Quarter))
		}
		tally.Add(g, sums)
	}
	if err := rows.Err(); err != nil {
		return ledger.Report{}, fmt.Errorf("sum up spend: %w", err)
	}
	r := tally.Report()
	r.Saved, err = s.saved(ctx, q)
	return r, err
}

func spendQuery(q ledger.Query) (string, []any) {
	var columns, groups []string
	for i, c := range spendColumns {
		told := func(d ledger.Dimension) bool { return slices.Contains(c.of, d) }
		if !slices.ContainsFunc(q.By, told) {
			columns = append(columns, "NULL")
			continue
		}
		columns = append(columns, c.column)
		groups = append(groups, strconv.Itoa(i+1))
	}
	where, args := spendOf(q)
	text := "SELECT " + strings.Join(columns, ", ") + spendSums + " FROM attempts" + where
	if len(groups) == 0 {
		return text + " HAVING COUNT(*) > 0", args // no attempt is no row, as with groups
	}
	return text + " GROUP BY " + strings.Join(groups, ", "), args
}

// spendOf says which attempts a query is about.
func spendOf(q ledger.Query) (text string, args []any) {
	var w where
	w.and(true, "opened >=", q.Since.UnixMilli())
	w.and(true, "opened <", q.Until.UnixMilli())
	w.and(q.Client != "", "client =", q.Client)
	if len(q.Projects) > 0 {
		w.text += " AND project IN (" + list(&w, q.Projects) + ")"
	}
	return " WHERE 1 = 1" + w.text, w.args
}

// Charges gives what the attempts of a query cost in the detail that a bill is
// compared with, by quarter of an hour.
func (s *Store) Charges(ctx context.Context, q ledger.Query) ([]ledger.Charge, error) {
	where, args := spendOf(q)
	rows, err := s.query(ctx, "SELECT opened / 900000, project, model, served, verdict"+spendSums+`,
		CAST(SUM(CASE WHEN cost_low = cost_high AND cost_low > 0 THEN image_tokens ELSE 0 END) AS BIGINT),
		CAST(SUM(CASE WHEN state = 'settled' AND cost_high = 0 THEN 1 ELSE 0 END) AS BIGINT),
		CAST(SUM(CASE WHEN state = 'settled' AND cost_high = 0 THEN estimate ELSE 0 END) AS BIGINT)
		FROM attempts`+where+" GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5", args...)
	if err != nil {
		return nil, fmt.Errorf("read what was charged: %w", err)
	}
	defer rows.Close()
	var out []ledger.Charge
	for rows.Next() {
		var c ledger.Charge
		var quarter int64
		if err := rows.Scan(&quarter, &c.Project, &c.Model, &c.Served, &c.Verdict, &c.Attempts, &c.Images, &c.Cost.Low, &c.Cost.High,
			&c.Waste, &c.Unsure, &c.ImageTokens, &c.FreeAttempts, &c.Free); err != nil {
			return nil, fmt.Errorf("read what was charged: %w", err)
		}
		c.Unknown = c.Cost.High - c.Cost.Low
		c.At = time.Unix(0, quarter*int64(ledger.Quarter))
		out = append(out, c)
	}
	return out, rows.Err()
}

// value gives a text that may be NULL.
func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
