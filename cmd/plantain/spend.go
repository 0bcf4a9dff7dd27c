package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gateway"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/store"
)

type spendCmd struct {
	By      []string `placeholder:"WHAT" help:"What to tell it by: project, client, model, size, verdict, hour, day; several by commas. Default: model."`
	Since   string   `placeholder:"WHEN" help:"The first day or instant: 2026-11-01, 2026-11-01T09:00:00Z."`
	Until   string   `placeholder:"WHEN" help:"The last day, or the instant at which it ends. Default: today."`
	Last    string   `placeholder:"SPAN" help:"Instead of --since: 7d is today and the six days before it, 12h the last twelve hours."`
	Client  string   `placeholder:"NAME" help:"Only what this client spent."`
	Project []string `placeholder:"NAME" help:"Only what went through this project; may be given several times."`
	UTC     bool     `help:"Let hours and days be those of UTC, not of this machine's time zone."`
	CSV     bool     `help:"Print CSV, with exact dollars."`
	Check   string   `type:"existingfile" placeholder:"FILE" help:"Compare the ledger with a billing export of Google's: the CSV of the Reports page by SKU and day, of the cost table, or of a BigQuery export."`
	Advice  bool     `help:"Say which tier, or which share by Batch, would have been enough for the demand of the last 14 days, or of --last."`
	Wait    string   `placeholder:"SPAN" help:"With --advice: how long a request may wait for room. Default: 2m."`
	atFlag
}

func (spendCmd) Help() string {
	return `Without --since or --last it tells of today and of this month. An attempt counts in the hour in which it was sent.

cost: for certain, and, where that is not known, what it can have been at the most.
waste: the part of the cost that brought no usable image: filtered ones, text in the place of a picture, answers cut at their token limit.
unknown: what attempts may have cost whose end was not seen, in how many attempts.
saved: what requests would have cost that came again, or were filtered before, and needed no attempt; and what drafts spared: one that got no final, what it cost less than the size that it was meant for; one that got it, cost that much more.

Amounts for people are rounded up; -o json has nano-dollars, --csv exact dollars.

  plantain spend --by day,model --last 7d
  plantain spend --by client --since 2026-11-01 --csv

--check puts each day and model of Google's bill beside the ledger and says what probably explains a difference. Its days are Pacific ones, as Google's are. Leave out projects that are not on the bill by naming the others with --project. The exit code is 1 where they differ.

  plantain spend --check export.csv

--advice plays the requests of the last days through, minute by minute, those included for which there was no room in time: by the limits that are in force, and by those of higher tiers.`
}

// values is the question as the API takes it.
func (s *spendCmd) values() url.Values {
	v := url.Values{"by": s.By, "project": s.Project, "zone": {localZone()}}
	if s.UTC {
		v.Set("zone", "UTC")
	}
	for name, value := range map[string]string{"since": s.Since + s.Last, "until": s.Until, "client": s.Client} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

func (s *spendCmd) Run(w *world) error {
	switch {
	case s.Since != "" && s.Last != "":
		return fmt.Errorf("%w\n--since and --last are two ways to say one thing; use one of them", errUsage)
	case s.CSV && w.output == "json":
		return fmt.Errorf("%w\n--csv and -o json are two forms; use one of them", errUsage)
	}
	if _, err := plantain.ParseSpan(s.Last); s.Last != "" && err != nil {
		return fmt.Errorf("%w\n--last: %w", errUsage, err)
	}
	if s.Wait != "" && !s.Advice {
		return fmt.Errorf("%w\n--wait goes with --advice", errUsage)
	}
	if s.Advice {
		return s.advise(w)
	}
	if s.Check != "" {
		return s.check(w)
	}
	queries, err := gateway.SpendQueries(s.values(), time.Now())
	if err != nil {
		return fmt.Errorf("%w\n%w", errUsage, err)
	}
	var got struct {
		Periods []ledger.Report `json:"periods"`
	}
	err = w.withStore(s.Server, openExisting, func(at *remote, books *store.Store) error {
		if at != nil {
			return at.get(w.ctx, "/api/v1/spend?"+s.values().Encode(), &got)
		}
		for _, q := range queries {
			r, err := books.Spend(context.WithoutCancel(w.ctx), q)
			if err != nil {
				return err
			}
			got.Periods = append(got.Periods, r)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case s.CSV:
		return spendCSV(w.stdout, got.Periods)
	case w.output == "json":
		w.json(got)
		return nil
	}
	for i, r := range got.Periods {
		if i > 0 {
			fmt.Fprintln(w.stdout)
		}
		printSpend(w.stdout, r)
	}
	return nil
}

// localZone names this machine's time zone, so that a gateway elsewhere can use it:
// as TZ or the link of /etc/localtime has it, else by how far it is from UTC now.
func localZone() string {
	name := strings.TrimPrefix(os.Getenv("TZ"), ":")
	if name == "" {
		if path, err := filepath.EvalSymlinks("/etc/localtime"); err == nil {
			_, name, _ = strings.Cut(path, "zoneinfo/")
		}
	}
	_, offset := time.Now().Zone()
	if zone, err := time.LoadLocation(name); err == nil && name != "Local" {
		if _, same := time.Now().In(zone).Zone(); same == offset {
			return zone.String()
		}
	}
	return time.Now().Format("-07:00")
}
