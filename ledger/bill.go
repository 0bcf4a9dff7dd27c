package ledger

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A Bill is what Google charged for image models, as an export of Cloud Billing has it.
type Bill struct {
	Lines []BillLine
	// Currency of the file; empty: it names none, and dollars are taken. Rate is how
	// much of it is a dollar; nil: the file does not say. Amounts are in dollars where
	// there is a rate, else as they stand.
	Currency string
	Rate     *big.Rat
	// Others are SKUs of Gemini that name no image model, with their sums: the text of
	// an image model may be among them.
	Others []BillLine
}

// A BillLine is one SKU over some days.
type BillLine struct {
	First, Last string // Pacific days: "2026-11-24"; those of a line of Others may be empty
	Model       plantain.Model
	SKU         string
	Tokens      int64 // zero: the file does not say
	Cost        plantain.Nanodollars
	Slack       plantain.Nanodollars // by how much rounding may have changed it
}

// strangers are the SKUs among Others that bill pictures.
func (b *Bill) strangers() (strange []BillLine) {
	for _, l := range b.Others {
		if sku := strings.ToLower(l.SKU); strings.Contains(sku, "image") || strings.Contains(sku, "banana") {
			strange = append(strange, l)
		}
	}
	return strange
}

// columns of a bill by what they are called: on the Reports page, in the cost table,
// and in the tables of a BigQuery export, whose nested names are written with dots,
// underscores or both. Which of several is used is the first that is there.
var billColumns = map[string][]string{
	"sku":      {"sku description", "sku"},
	"first":    {"date", "usage start date", "usage start time", "day"},
	"last":     {"usage end date"},
	"tokens":   {"usage amount"},
	"cost":     {"unrounded cost", "unrounded subtotal", "cost", "subtotal", "list cost"},
	"type":     {"cost type"},
	"credit":   {"credit type"},
	"currency": {"currency"},
	"rate":     {"currency conversion rate"},
}

// savings are taken off between the list price, which the ledger counts by, and an
// unrounded subtotal. They stand there below zero.
var savings = []string{"negotiated savings", "savings programs", "savings programmes", "other savings"}

// ReadBill reads a CSV file of Cloud Billing: the Reports page grouped by SKU and day,
// the cost table, or the rows of a BigQuery export. It takes their columns in any
// order and passes over what it does not know, credits, taxes and sums. Its error
// says what the file lacks.
func ReadBill(r io.Reader, c *gemini.Catalogue) (*Bill, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	var b Bill
	var in billReader
	for _, comma := range ",;\t" {
		in = billReader{catalogue: c, bill: &b}
		if in.read(text, comma); in.at != nil {
			break
		}
	}
	switch {
	case in.at == nil:
		return nil, errors.New("this is no billing export: no line has the columns SKU description, a date (Date, Usage start date " +
			"or usage_start_time) and a cost; in the console, group the Reports page by SKU, show it by day, and download the CSV")
	case in.err != nil:
		return nil, in.err
	case len(b.Lines) == 0 && len(b.Others) == 0:
		return nil, errors.New("the billing export has no line for a Gemini model; is it of the right billing account and time?")
	case len(b.Lines) == 0:
		return nil, fmt.Errorf("no line of the billing export names an image model that Plantain knows, so there is nothing to compare; it has unknown SKUs such as %q", append(b.strangers(), b.Others...)[0].SKU)
	}
	b.convert()
	return &b, nil
}

// convert turns amounts into dollars where the file says how.
func (b *Bill) convert() {
	if b.Rate == nil || b.Currency == "USD" {
		return
	}
	for _, lines := range [][]BillLine{b.Lines, b.Others} {
		for i := range lines {
			for _, n := range []*plantain.Nanodollars{&lines[i].Cost, &lines[i].Slack} {
				*n = rounded(new(big.Rat).Quo(big.NewRat(int64(*n), 1), b.Rate))
			}
			lines[i].Slack++
		}
	}
}

type billReader struct {
	catalogue *gemini.Catalogue
	bill      *Bill
	at        map[string]int // columns; nil: the line that names them has not come
	saved     []int
	err       error
}

func (r *billReader) read(text []byte, comma rune) {
	in := csv.NewReader(bufio.NewReader(bytes.NewReader(text)))
	in.Comma, in.FieldsPerRecord, in.LazyQuotes = comma, -1, true
	for r.err == nil {
		row, err := in.Read()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				r.err = fmt.Errorf("read the billing export: %w", err)
			}
			return
		}
		if r.at == nil {
			r.head(row)
			continue
		}
		line, _ := in.FieldPos(0)
		if err := r.line(row); err != nil {
			r.err = fmt.Errorf("line %d of the billing export: %w", line, err)
		}
	}
}

// head takes a line that names the columns; one before it may name the currency.
func (r *billReader) head(row []string) {
	at, unit := map[string]int{}, ""
	for what, names := range billColumns {
		for _, name := range slices.Backward(names) {
			for i, cell := range row {
				if column, in := columnName(cell); column == name {
					at[what] = i
					if what == "cost" {
						unit = in
					}
				}
			}
		}
	}
	for _, what := range []string{"sku", "first", "cost"} {
		if _, ok := at[what]; !ok {
			r.preamble(row)
			return
		}
	}
	r.at = at
	if r.bill.Currency == "" && unit != "" && unit != "$" {
		r.bill.Currency = unit
	}
	for i, cell := range row {
		if column, _ := columnName(cell); slices.Contains(savings, column) && strings.HasPrefix(name(row[at["cost"]]), "unrounded subtotal") {
			r.saved = append(r.saved, i)
		}
	}
}

func (r *billReader) preamble(row []string) {
	if len(row) < 2 {
		return
	}
	switch name(row[0]) {
	case "currency":
		r.bill.Currency = strings.TrimSpace(row[1])
	case "currency exchange rate":
		r.rate(row[1])
	}
}

// name makes "service.description", "Service description" and "service_description"
// one.
func name(cell string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("_", " ", ".", " ").Replace(strings.ToLower(cell))), " ")
}

// columnName splits "Cost ($)".
func columnName(cell string) (column, unit string) {
	column, unit, _ = strings.Cut(name(cell), "(")
	return strings.TrimSpace(column), strings.TrimSuffix(unit, ")")
}

func (r *billReader) cell(row []string, what string) string {
	if i, ok := r.at[what]; ok && i < len(row) {
		return strings.TrimSpace(row[i])
	}
	return ""
}

// line takes one line. Sums below the lines have no SKU; credits, taxes and
// roundings are no usage.
func (r *billReader) line(row []string) error {
	l := BillLine{SKU: r.cell(row, "sku")}
	if kind := strings.ToLower(r.cell(row, "type")); l.SKU == "" || kind != "" && kind != "usage" && kind != "regular" || r.cell(row, "credit") != "" {
		return nil
	}
	model, isGemini := modelOfSKU(r.catalogue, l.SKU)
	if !isGemini {
		return nil
	}
	l.Model = model
	var err error
	if l.Cost, l.Slack, err = parseMoney(r.cell(row, "cost")); err != nil {
		return err
	}
	for _, i := range r.saved {
		if i >= len(row) || strings.TrimSpace(row[i]) == "" {
			continue
		}
		saved, slack, err := parseMoney(row[i])
		if err != nil {
			return err
		}
		if saved != 0 {
			l.Cost, l.Slack = l.Cost-saved, l.Slack+slack
		}
	}
	if tokens, ok := number(r.cell(row, "tokens")); ok {
		l.Tokens = int64(rounded(tokens))
	}
	if model == "" {
		r.other(l)
		return nil
	}
	if l.First, err = billDay(r.cell(row, "first")); err != nil {
		return err
	}
	l.Last = l.First
	if last := r.cell(row, "last"); last != "" {
		if l.Last, err = billDay(last); err != nil {
			return err
		}
	}
	r.bill.Currency = cmp.Or(r.cell(row, "currency"), r.bill.Currency)
	r.rate(r.cell(row, "rate"))
	r.bill.Lines = append(r.bill.Lines, l)
	return nil
}

// rate takes an exchange rate, where a text is one.
func (r *billReader) rate(s string) {
	if rate, ok := number(s); ok && rate.Sign() > 0 {
		r.bill.Rate = rate
	}
}

func (r *billReader) other(l BillLine) {
	for i := range r.bill.Others {
		if o := &r.bill.Others[i]; o.SKU == l.SKU {
			o.Cost, o.Slack, o.Tokens = o.Cost+l.Cost, o.Slack+l.Slack, o.Tokens+l.Tokens
			return
		}
	}
	r.bill.Others = append(r.bill.Others, l)
}

// billDay reads a day, or an instant of a BigQuery export, which is UTC.
func billDay(s string) (string, error) {
	for _, form := range []string{time.DateOnly, "1/2/2006", "2006/01/02"} {
		if t, err := time.Parse(form, s); err == nil {
			return t.Format(time.DateOnly), nil
		}
	}
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(form, s); err == nil {
			return gemini.DayOf(t), nil
		}
	}
	return "", fmt.Errorf("%q is no day", s)
}

// parseMoney reads an amount in nano-dollars, and half of its last digit.
func parseMoney(s string) (n, slack plantain.Nanodollars, err error) {
	v, ok := number(s)
	if !ok {
		return 0, 0, fmt.Errorf("%q is no amount", s)
	}
	_, fraction, _ := strings.Cut(s, ".")
	slack = 1
	if len(fraction) < 9 && !strings.ContainsAny(s, "eE") {
		slack = plantain.Dollar / 2
		for range fraction {
			slack /= 10
		}
	}
	return rounded(v.Mul(v, big.NewRat(int64(plantain.Dollar), 1))), slack, nil
}

var numberText = regexp.MustCompile(`^[+-]?([0-9]{1,15}|[0-9]{1,3}(,[0-9]{3}){1,4})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?$`)

// number reads "1,234.567890", "$5.72", "-$0.02" and "6.72E-4".
func number(s string) (*big.Rat, bool) {
	s = strings.NewReplacer("$", "", " ", "").Replace(s)
	if !numberText.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(strings.ReplaceAll(s, ",", ""))
}

// rounded gives the nearest whole number, zero for what no bill has.
func rounded(v *big.Rat) plantain.Nanodollars {
	twice := new(big.Int).Quo(new(big.Int).Mul(v.Num(), big.NewInt(2)), v.Denom())
	if twice.Sign() >= 0 {
		twice.Add(twice, big.NewInt(1))
	} else {
		twice.Sub(twice, big.NewInt(1))
	}
	if half := twice.Quo(twice, big.NewInt(2)); half.IsInt64() {
		return plantain.Nanodollars(half.Int64())
	}
	return 0
}

// modelOfSKU finds the model that a SKU is of by its id without "gemini", read as words: "Generate_content
// image output token count for Gemini 3 Pro Image", "Gemini 3.1 Flash Image Image Output
// - Predictions", and "Gemini 2.5 Flash Native Image Generation" (bills that people
// published, August 2026; of Nano Banana 2.1 none was seen). Empty: it names none that is
// known; isGemini says whether it is one of Gemini's at all.
func modelOfSKU(c *gemini.Catalogue, sku string) (m plantain.Model, isGemini bool) {
	words := " " + strings.Join(strings.Fields(strings.NewReplacer("_", " ", "-", " ", " native ", " ").Replace(strings.ToLower(sku))), " ") + " "
	longest := 0
	for _, e := range c.Models() {
		id := " " + strings.ReplaceAll(strings.TrimPrefix(string(e.ID), "gemini-"), "-", " ") + " "
		if len(id) > longest && strings.Contains(words, id) {
			m, longest = e.ID, len(id)
		}
	}
	return m, m != "" || strings.Contains(words, " gemini ") || strings.Contains(words, " nano banana ")
}
