package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/store"
)

// check compares a billing export with the ledger.
func (s *spendCmd) check(w *world) error {
	if s.CSV || len(s.By) > 0 || s.Since+s.Until+s.Last+s.Client != "" {
		return fmt.Errorf("%w\n--check takes its days and models from the file; only --project goes with it", errUsage)
	}
	file, err := os.ReadFile(s.Check)
	if err != nil {
		return err
	}
	var check ledger.Check
	err = w.withStore(s.Server, openExisting, func(at *remote, books *store.Store) error {
		if at != nil {
			return at.send(w.ctx, http.MethodPost, "/api/v1/spend/check?"+url.Values{"project": s.Project}.Encode(), "text/csv", bytes.NewReader(file), &check)
		}
		check, err = checkBill(w, file, s.Project, books)
		return err
	})
	if err != nil {
		return err
	}
	if w.output == "json" {
		w.json(check)
	} else {
		printCheck(w.stdout, check)
	}
	for _, r := range check.Rows {
		if r.Difference != 0 {
			return errTold
		}
	}
	return nil
}

func checkBill(w *world, file []byte, projects []string, books *store.Store) (ledger.Check, error) {
	bill, err := ledger.ReadBill(bytes.NewReader(file), w.catalogue())
	if err != nil {
		return ledger.Check{}, err
	}
	names := make([]plantain.ProjectName, len(projects))
	for i, p := range projects {
		names[i] = plantain.ProjectName(p)
	}
	charges, err := books.Charges(context.WithoutCancel(w.ctx), bill.Query(names))
	return ledger.Compare(bill, charges, w.catalogue(), time.Now()), err
}

func printCheck(to io.Writer, c ledger.Check) {
	fmt.Fprintf(to, "%s to %s, days of Google's bills (Pacific)\n", c.Since, c.Until)
	rows := [][]string{{"DAY", "MODEL", "BILL", "LEDGER", "DIFFERENCE"}}
	var differ int
	var billed plantain.Nanodollars
	var cost plantain.Cost
	for _, r := range c.Rows {
		day := r.First
		if r.Last != r.First {
			day += "…"
		}
		difference := "-"
		if r.Difference != 0 {
			difference = signed(r.Difference)
			differ++
		}
		rows = append(rows, []string{day, string(r.Model), money(r.Billed), costOf(r.Ledger), difference})
		billed, cost = billed+r.Billed, plantain.Cost{Low: cost.Low + r.Ledger.Low, High: cost.High + r.Ledger.High}
	}
	rows = append(rows, []string{"all", "", money(billed), costOf(cost), ""})
	for i, line := range columns(rows, 2) {
		fmt.Fprintln(to, line)
		if i > 0 && i <= len(c.Rows) {
			for _, cause := range c.Rows[i-1].Causes {
				wrap(to, "      ", string(cause.Kind)+": "+cause.Text)
			}
		}
	}
	switch {
	case differ > 0:
		wrap(to, "", fmt.Sprintf("%d of %d differ.", differ, len(c.Rows)))
	default:
		wrap(to, "", "The bill and the ledger agree.")
	}
	for _, n := range c.NotCompared {
		wrap(to, "", fmt.Sprintf("not compared, names no image model: %q, %s", n.SKU, money(n.Billed)))
	}
}

// signed gives a difference with its sign; what is above is rounded up.
func signed(n plantain.Nanodollars) string {
	if n < 0 {
		return "-" + money(-n)
	}
	return "+" + money(n)
}
