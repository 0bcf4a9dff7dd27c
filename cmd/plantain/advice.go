package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/plantainhq/plantain/gateway"
	"github.com/plantainhq/plantain/ledger"
)

// advise says what would have been enough.
func (s *spendCmd) advise(w *world) error {
	if s.CSV || s.Check != "" || len(s.By)+len(s.Project) > 0 || s.Since+s.Until+s.Client != "" {
		return fmt.Errorf("%w\nonly --last and --wait go with --advice", errUsage)
	}
	a, err := s.advice(w)
	if bad := (*gateway.AskedError)(nil); errors.As(err, &bad) {
		return fmt.Errorf("%w\n%w", errUsage, err)
	}
	if err != nil {
		return err
	}
	if w.output == "json" {
		w.json(a)
		return nil
	}
	printAdvice(w.stdout, a)
	return nil
}

func (s *spendCmd) advice(w *world) (a gateway.Advised, err error) {
	v := url.Values{"last": {s.Last}, "wait": {s.Wait}}
	err = w.withHouse(s.Server, func(at *remote, h *house) (err error) {
		if at != nil {
			return at.get(w.ctx, "/api/v1/spend/advice?"+v.Encode(), &a)
		}
		a, err = h.gateway.Advise(w.ctx, v)
		return err
	})
	return a, err
}

func printAdvice(to io.Writer, a gateway.Advised) {
	fmt.Fprintf(to, "Demand since %s, where a request may wait %s\n", a.Since.Local().Format("2 Jan 2006 15:04"), span(toDuration(a.Wait)))
	for _, m := range a.Models {
		wrap(to, "  ", advice(m))
	}
	if len(a.Models) == 0 {
		fmt.Fprintln(to, "  no requests")
	}
}

func advice(a ledger.Advice) string {
	s := fmt.Sprintf("%s: %s, of which %d were turned away; ", a.Model, count(a.Requests, "request"), a.TurnedAway)
	if a.Late == 0 {
		return s + fmt.Sprintf("the limits in force (%s) are enough, with waits of less than %s", limits(a.Capacity), span(toDuration(a.Longest+60))) // told by the minute
	}
	s += fmt.Sprintf("by the limits in force (%s) %d (%.1f %%) are late. ", limits(a.Capacity), a.Late, 100*float64(a.Late)/float64(a.Requests))
	switch {
	case a.Tier > 0:
		s += fmt.Sprintf("Tier %d for every project would have been enough", a.Tier)
	case len(a.Tiers) > 0:
		best := a.Tiers[len(a.Tiers)-1]
		s += fmt.Sprintf("No tier would have been enough: by tier %d %d are late. More projects would be", best.Tier, best.Late)
	default:
		s += "There is no higher tier; more projects would be enough"
	}
	s += fmt.Sprintf("; or Google's Batch for %d of them, at half the price", a.Batch)
	if a.Saved > 0 {
		s += ", which would have saved about " + money(a.Saved)
	}
	return s
}

func limits(c ledger.Capacity) string {
	minute, day := "any number a minute", "any number a day"
	if c.PerMinute >= 0 {
		minute = fmt.Sprintf("%d a minute", c.PerMinute)
	}
	if c.PerDay >= 0 {
		day = fmt.Sprintf("%d a day", c.PerDay)
	}
	return minute + ", " + day
}
