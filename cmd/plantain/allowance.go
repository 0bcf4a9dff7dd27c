package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gateway"
	"github.com/plantainhq/plantain/gemini"
)

// allowanceFlags are what a key may use.
type allowanceFlags struct {
	BudgetUSD    []string `placeholder:"20/month" help:"Dollars a day, a month or, without either, in total: 5/day, 20/month, 100. Several may bind at once. none takes all away, none/day one."`
	RPM          string   `placeholder:"60" help:"Requests a minute; none takes the limit away."`
	ImagesPerDay string   `placeholder:"50" help:"Images a day; none takes the limit away."`
	Models       []string `placeholder:"nb2,lite" help:"The only models it may use; all takes the limit away."`
	MaxSize      string   `placeholder:"2K" help:"The largest size it may ask for: 512, 1K, 2K, 4K; any takes the limit away."`
	WarnWeak     *bool    `negatable:"" help:"Answers say in the header Plantain-Lint what a prompt lacks that needs work."`
}

// order is what the flags ask for a key of a client.
func (f *allowanceFlags) order(name plantain.ClientName, expires string) (gateway.KeyOrder, error) {
	o := gateway.KeyOrder{Name: name}
	var errs []error
	if expires != "" {
		d, err := plantain.ParseSpan(expires)
		if errs = append(errs, err); err == nil {
			o.Expires = time.Now().Add(d)
		}
	}
	o.Limits = map[plantain.Limit]*json.Number{}
	for _, b := range f.BudgetUSD {
		errs = append(errs, setBudget(o.Limits, b))
	}
	for l, number := range map[plantain.Limit]string{plantain.ClientRequests: f.RPM, plantain.ClientImages: f.ImagesPerDay} {
		if number != "" {
			o.Limits[l] = orNone(number)
		}
	}
	if len(f.Models) > 0 {
		models := []plantain.Model{}
		for _, m := range f.Models {
			if m != "all" {
				models = append(models, plantain.Model(m))
			}
		}
		o.Models = &models
	}
	if f.MaxSize != "" {
		size := strings.TrimSuffix(f.MaxSize, "any")
		o.MaxSize = &size
	}
	o.WarnWeak = f.WarnWeak
	// The catalogue of the gateway decides on the models.
	plain := o.AllowanceOrder
	plain.Models = nil
	errs = append(errs, plain.Apply(&plantain.Allowance{}, nil), o.Check(time.Now()))
	if err := errors.Join(errs...); err != nil {
		return o, fmt.Errorf("%w\n%w", errUsage, err)
	}
	return o, nil
}

var budgets = map[string]plantain.Limit{"day": plantain.BudgetDay, "month": plantain.BudgetMonth, "total": plantain.BudgetTotal}

// setBudget reads "20/month", "5/day", "100", "none" or "none/day".
func setBudget(limits map[plantain.Limit]*json.Number, text string) error {
	amount, per, cut := strings.Cut(text, "/")
	if amount == "none" && !cut {
		for _, l := range budgets {
			limits[l] = nil
		}
		return nil
	}
	if !cut {
		per = "total"
	}
	l, known := budgets[per]
	if !known {
		return fmt.Errorf("--budget-usd %s: write 5/day, 20/month or 100", text)
	}
	limits[l] = orNone(strings.TrimPrefix(amount, "$"))
	return nil
}

// orNone is the number of a limit; nil: none.
func orNone(text string) *json.Number {
	if text == "none" {
		return nil
	}
	n := json.Number(text)
	return &n
}

// catalogue is that of the configuration, which was read before.
func (w *world) catalogue() *gemini.Catalogue {
	c, err := w.loadKeyless()
	if err != nil {
		return gemini.DefaultCatalogue()
	}
	return c.Catalogue
}

// may says what a key may use and what is used of it, a line each.
func may(k gateway.KeyView) (lines []string) {
	for _, l := range k.Limits {
		sign := ""
		if l.Limit.Money() {
			sign = "$"
		}
		line := fmt.Sprintf("%s: %s%s of %s%s used, %s%s left", l.Limit, sign, l.Used, sign, l.Of, sign, l.Left)
		if l.Held != "0" && l.Held != "0.000" {
			line += fmt.Sprintf(" beside %s%s held by requests that run", sign, l.Held)
		}
		if !l.Resets.IsZero() {
			line += ", resets " + l.Resets.Local().Format("2 Jan 15:04 MST")
		}
		lines = append(lines, line)
	}
	if len(k.Models) > 0 {
		lines = append(lines, "models: "+plantain.Join(k.Models))
	}
	if k.MaxSize != "" {
		lines = append(lines, "max_size: "+k.MaxSize)
	}
	if k.WarnWeak {
		lines = append(lines, "warn_weak: weak prompts are told of in Plantain-Lint")
	}
	return lines
}
