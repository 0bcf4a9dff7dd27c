package sim

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// skuNames are models as the SKUs on Google's bills call them (bills that people published, August 2026); that of
// Nano Banana 2.1 is a guess.
var skuNames = map[string]string{
	"gemini-2.5-flash-image":      "Gemini 2.5 Flash Native Image Generation",
	"gemini-3-pro-image":          "Gemini 3 Pro Image",
	"gemini-3.1-flash-image":      "Gemini 3.1 Flash Image",
	"gemini-3.1-flash-lite-image": "Gemini 3.1 Flash Lite Image",
	"gemini-nano-banana-2.1":      "Gemini Nano Banana 2.1",
}

// line is one SKU on one day.
type line struct{ day, sku string }

// amount is how much of a SKU was used, and what it costs in nano-dollars.
type amount struct{ tokens, cost int64 }

// skus splits a charge into what Google bills it as. The parts add up to cost, but for a nano-dollar where a service
// tier divides.
func (u usage) skus(m *model) map[string]amount {
	name := skuNames[m.id]
	if u.tier == "flex" || u.tier == "priority" {
		name += " " + u.tier
	}
	parts := map[string]amount{}
	for what, part := range map[string]usage{
		"text input":   {promptText: u.promptText, tier: u.tier},
		"image input":  {promptImages: u.promptImages, tier: u.tier},
		"text output":  {rest: u.rest + u.thoughts, tier: u.tier},
		"image output": {images: u.images, tier: u.tier},
	} {
		if n := part.total(); n > 0 {
			parts["Generate_content "+what+" token count for "+name] = amount{n, part.cost(m)}
		}
	}
	return parts
}

// export writes the bill as the Reports page of Cloud Billing downloads it, by Pacific day and SKU, with the sums that
// stand below. An empty project is all of them.
func (s *Server) export(w http.ResponseWriter, project string) {
	lines, total := map[line]amount{}, int64(0)
	for _, e := range s.account.list() {
		if e.served == nil || project != "" && project != e.Project {
			continue
		}
		for sku, a := range e.used.skus(e.served) {
			l := line{e.Time.In(pacific()).Format(time.DateOnly), sku}
			sum := lines[l]
			lines[l] = amount{sum.tokens + a.tokens, sum.cost + a.cost}
			total += a.cost
		}
	}
	w.Header().Set("Content-Type", "text/csv; charset=UTF-8")
	out := csv.NewWriter(w)
	out.Write([]string{"Date", "Service description", "Service ID", "SKU description", "SKU ID", "Usage amount", "Usage unit", "List cost ($)",
		"Negotiated savings ($)", "Savings programs ($)", "Other savings ($)", "Unrounded subtotal ($)", "Subtotal ($)"})
	newest := func(a, b line) int { return cmp.Or(cmp.Compare(b.day, a.day), cmp.Compare(a.sku, b.sku)) }
	for _, l := range slices.SortedFunc(maps.Keys(lines), newest) {
		a := lines[l]
		out.Write([]string{l.day, "Gemini API", "AEFD-7695-64FA", l.sku, "", thousands(a.tokens), "count", cents(a.cost),
			"0.00", "0.00", "0.00", micros(a.cost), cents(a.cost)})
	}
	for _, foot := range []struct {
		name string
		sum  int64
	}{{"Subtotal", total}, {"Tax", 0}, {"Filtered total", total}} {
		out.Write([]string{"", "", "", "", "", "", "", "", "", "", foot.name, micros(foot.sum), cents(foot.sum)})
	}
	out.Flush()
}

func cents(nanos int64) string { return decimal(nanos, 10_000_000, 2) }

// micros is how exactly a bill tells an amount.
func micros(nanos int64) string { return decimal(nanos, 1000, 6) }

// decimal rounds nano-dollars to units and writes dollars with so many digits.
func decimal(nanos, unit int64, digits int) string {
	n := (nanos + unit/2) / unit
	per := int64(1_000_000_000) / unit
	return fmt.Sprintf("%d.%0*d", n/per, digits, n%per)
}

// thousands writes "260,580".
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
