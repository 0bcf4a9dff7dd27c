package ledger

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// The columns are those of files that people published: the Reports page and the cost
// table of August 2026, and the tables of a BigQuery export.
func TestABillIsReadInEveryFormThatGoogleGivesIt(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"reports.csv": `2026-11-24 to 2026-11-24 gemini-3-pro-image $0.672 5600 tokens
2026-11-24 to 2026-11-24 gemini-2.5-flash-image $0.0387 1290 tokens
other Generate content output token count gemini 2.5 flash short input text $1.55599`,
		"costtable.csv": `2026-11-01 to 2026-11-30 gemini-3-pro-image $0.672 5600 tokens`,
		"bigquery.csv": `2026-11-24 to 2026-11-24 gemini-3-pro-image $0.672 5600 tokens
2026-11-25 to 2026-11-25 gemini-3-pro-image $0.000672 56 tokens`,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			f, err := os.Open("testdata/bills/" + file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			b, err := ReadBill(f, gemini.DefaultCatalogue())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range b.Lines {
				got = append(got, fmt.Sprintf("%s to %s %s %s %d tokens", l.First, l.Last, l.Model, l.Cost, l.Tokens))
			}
			for _, l := range b.Others {
				got = append(got, fmt.Sprintf("other %s %s", l.SKU, l.Cost))
			}
			if s := strings.Join(got, "\n"); s != want {
				t.Errorf("got\n%s\nwant\n%s", s, want)
			}
		})
	}
}

func TestAFileThatIsNoBillSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	head := "Date,SKU description,Cost ($)\n"
	for text, want := range map[string]string{
		"": "is no billing export",
		head + "2026-11-24,Gemini 3.5 text,1.00\n2026-11-24,Nano Banana 9 image output,1.00\n": `nothing to compare; it has unknown SKUs such as "Nano Banana 9 image output"`,
		head + "2026-11-24,Nano Banana 2.1 image output,1.00\n":                                "",
		"a,b\n1,2": "is no billing export",
		head:       "no line for a Gemini model",
		head + "2026-11-24,E2 Instance Core,1.00\n":                                            "no line for a Gemini model",
		head + "yesterday,Gemini 3 Pro Image Image Output,1.00\n":                              `line 2 of the billing export: "yesterday" is no day`,
		head + "2026-11-24,Gemini 3 Pro Image Image Output,much\n":                             `line 2 of the billing export: "much" is no amount`,
		head + "2026-11-24,Gemini 3 Pro Image Image Output,1e999999999\n":                      `is no amount`,
		"Currency exchange rate,1e999999999\n" + head + "2026-11-24,Gemini 3 Pro Image,1.00\n": "", // and is no rate
		head + "2026-11-24,Gemini 3 Pro Image Image Output,\"7,8\"\n":                          `is no amount`,
		head + "2026-11-24,Gemini 3 Pro Image Image Output,$1.00\n":                            "",
		"\uFEFFDate;SKU description;Cost (€)\n2026-11-24;Gemini 3 Pro Image;1.00\n":            "",
	} {
		_, err := ReadBill(strings.NewReader(text), gemini.DefaultCatalogue())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

const (
	proOut     = "Generate_content image output token count for Gemini 3 Pro Image"
	onePicture = 1120 * 120_000 * plantain.Nanodollars(1) // one of Pro at 1K
)

// billed is a line of one day, as exactly as a bill tells.
func billed(day, sku string, tokens int64, cost plantain.Nanodollars) BillLine {
	return BillLine{First: day, Last: day, Model: "gemini-3-pro-image", SKU: sku, Tokens: tokens, Cost: cost, Slack: 500}
}

// charge is what one attempt of Pro cost at noon, Pacific time.
func charge(day string, c plantain.Class, cost plantain.Cost, tokens int64) Charge {
	at, err := time.ParseInLocation("2006-01-02 15", day+" 12", gemini.Pacific)
	if err != nil {
		panic(err)
	}
	ch := Charge{At: at, Project: "studio", Model: "gemini-3-pro-image", Verdict: c, Sums: Sums{Attempts: 1, Cost: cost}, ImageTokens: tokens}
	if !cost.Known() {
		ch.Unsure, ch.Unknown = 1, cost.High-cost.Low
	}
	if cost.High == 0 {
		ch.FreeAttempts, ch.Free = 1, 10*onePicture
	}
	return ch
}

func TestEveryDifferenceHasItsLikelyCause(t *testing.T) {
	t.Parallel()
	const day, next = "2026-11-10", "2026-11-11"
	made := charge(day, plantain.Success, plantain.Exactly(onePicture), 1120)
	filtered := charge(day, plantain.SafetyImage, plantain.Exactly(onePicture), 1120)
	free := charge(day, plantain.SafetyImage, plantain.Exactly(0), 0)
	lost := charge(day, plantain.Unanswered, plantain.Cost{High: 10 * onePicture}, 0)
	refused := charge(day, plantain.Capacity, plantain.Exactly(0), 0)
	elsewhere := made
	elsewhere.Project = "agg"
	for name, c := range map[string]struct {
		bill   Bill
		ledger []Charge
		now    string
		want   string // differences in pictures, and causes
	}{
		"they agree":                     {Bill{Lines: []BillLine{billed(day, proOut, 1120, onePicture)}}, []Charge{made}, "", "0:"},
		"to the rounding of the bill":    {Bill{Lines: []BillLine{billed(day, proOut, 1120, onePicture-500)}}, []Charge{made}, "", "0:"},
		"an unknown one was charged":     {Bill{Lines: []BillLine{billed(day, proOut, 2240, 2*onePicture)}}, []Charge{made, lost}, "", "0: unknown"},
		"an unknown one was not charged": {Bill{Lines: []BillLine{billed(day, proOut, 1120, onePicture)}}, []Charge{made, lost}, "", "0: unknown"},
		"filtered ones are charged":      {Bill{Lines: []BillLine{billed(day, proOut, 2240, 2*onePicture)}}, []Charge{made, free}, "", "1: filtered_charged elsewhere"},
		"filtered ones are free":         {Bill{Lines: []BillLine{billed(day, proOut, 1120, onePicture)}}, []Charge{made, filtered}, "", "-1: filtered_free"},
		"an SDK tried again by itself":   {Bill{Lines: []BillLine{billed(day, proOut, 2240, 2*onePicture)}}, []Charge{made, refused}, "", "1: retried elsewhere"},
		"a key is used elsewhere, too":   {Bill{Lines: []BillLine{billed(day, proOut, 3360, 3*onePicture)}}, []Charge{made}, "", "2: elsewhere"},
		"a key is used elsewhere alone":  {Bill{Lines: []BillLine{billed(day, proOut, 1120, onePicture)}}, nil, "", "1: elsewhere"},
		"the edge of a day": {Bill{Lines: []BillLine{billed(day, proOut, 1120, onePicture), billed(next, proOut, 2240, 2*onePicture)}},
			[]Charge{made, made, charge(next, plantain.Success, plantain.Exactly(onePicture), 1120)}, "", "-1: day_edge, 1: day_edge elsewhere"},
		"batch":            {Bill{Lines: []BillLine{billed(day, proOut+" batch", 1120, onePicture/2)}}, []Charge{made, made}, "", "-2: discount"},
		"another currency": {Bill{Currency: "EUR", Lines: []BillLine{billed(day, proOut, 2240, onePicture)}}, []Charge{made, made}, "", "-1: currency price"},
		"nobody knows":     {Bill{Lines: []BillLine{billed(day, proOut, 1120, onePicture)}}, []Charge{made, elsewhere, made, elsewhere}, "", "-3: none"},
		"one aggregator":   {Bill{Lines: []BillLine{billed(day, proOut, 2240, 2*onePicture)}}, []Charge{made, elsewhere, made}, "", "-1: project"},
		"text of its own":  {Bill{Lines: []BillLine{billed(day, proOut, 2240, onePicture)}, Others: []BillLine{{SKU: "Generate content output gemini 3 pro text"}}}, []Charge{made, made}, "", "-1: text_sku"},
		"a SKU that nobody knows": {Bill{Lines: []BillLine{{First: day, Last: day, Model: "gemini-2.5-flash-image"}}, Others: []BillLine{{SKU: "Gemini 3.5 text"}, {SKU: "Nano Banana 9 image output", Cost: onePicture}}},
			[]Charge{made}, "", "-1: unknown_sku"},
		"a model that is not billed": {Bill{Lines: []BillLine{{First: day, Last: day, Model: "gemini-2.5-flash-image"}}, Others: []BillLine{{SKU: "Gemini 3.5 text"}}},
			[]Charge{made}, "", "-1: project"},
		"a higher price":    {Bill{Lines: []BillLine{billed(day, proOut, 1120, 2*onePicture)}}, []Charge{made}, "", "1: price"},
		"the bill is early": {Bill{Lines: []BillLine{billed(day, proOut, 1120, onePicture)}}, []Charge{made, made}, next, "-1: late"},
		"several days are one": {Bill{Lines: []BillLine{{First: day, Last: next, Model: "gemini-3-pro-image", SKU: proOut, Tokens: 2240, Cost: 2 * onePicture}}},
			[]Charge{made, charge(next, plantain.Success, plantain.Exactly(onePicture), 1120)}, "", "0:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
			if c.now != "" {
				now, _ = time.Parse(time.DateOnly, c.now)
			}
			var got []string
			for _, r := range Compare(&c.bill, c.ledger, gemini.DefaultCatalogue(), now).Rows {
				s := fmt.Sprintf("%d:", (r.Difference+onePicture/2*sign(r.Difference))/onePicture)
				for _, cause := range r.Causes {
					s += " " + string(cause.Kind)
				}
				got = append(got, s)
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
}

func sign(n plantain.Nanodollars) plantain.Nanodollars {
	if n < 0 {
		return -1
	}
	return 1
}

func TestABillIsComparedWithTheModelThatServed(t *testing.T) {
	t.Parallel()
	c := charge("2026-11-10", plantain.Success, plantain.Exactly(onePicture), 1120)
	c.Model, c.Served = "gemini-3.1-flash-image", "gemini-3-pro-image-preview"
	check := Compare(&Bill{Lines: []BillLine{billed("2026-11-10", proOut, 1120, onePicture)}}, []Charge{c}, gemini.DefaultCatalogue(), time.Now())
	if len(check.Rows) != 1 || check.Rows[0].Difference != 0 {
		t.Errorf("got %+v", check.Rows)
	}
}

func FuzzABillIsReadOrRefused(f *testing.F) {
	for _, file := range []string{"reports.csv", "costtable.csv", "bigquery.csv"} {
		text, err := os.ReadFile("testdata/bills/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := ReadBill(strings.NewReader(string(text)), gemini.DefaultCatalogue())
		if err != nil {
			return
		}
		if len(b.Lines) > 0 {
			if q := b.Query(nil); !q.Since.Before(q.Until) {
				t.Errorf("from %s to %s", q.Since, q.Until)
			}
		}
		for _, r := range Compare(b, nil, gemini.DefaultCatalogue(), time.Now()).Rows {
			if r.Model == "" || r.First == "" || r.First > r.Last {
				t.Errorf("%+v", r)
			}
		}
	})
}
