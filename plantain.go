// Package plantain holds the words that every other package speaks: projects,
// attempts, verdicts, windows, money. It is a vocabulary, not an engine: it
// imports only the standard library, does no I/O and decides nothing.
//
// Zero values are honest. The zero [Charged] is unknown, the zero [Class] is
// unclassified, the zero [Stage] means that nothing left the house.
package plantain

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A ProjectName names one Google Cloud project behind the gateway. Limits
// belong to a project, never to a key.
type ProjectName string

// A ClientName names whoever calls the gateway. Zero: [LocalClient].
type ClientName string

// LocalClient is the client of a Go program that uses the Transport in its own
// process, and of an open gateway on loopback.
const LocalClient ClientName = "local"

// A Model is a model id as it stands in a URL, without the "models/" prefix.
type Model string

// Nanodollars is money: a billionth of a US dollar. Prices per million tokens
// are whole numbers of nano-dollars per token, so sums are exact.
type Nanodollars int64

// Dollar is one US dollar.
const Dollar Nanodollars = 1_000_000_000

// String gives dollars with as many digits as it takes to be exact, at least
// three: "$0.067", "$0.0671235".
func (n Nanodollars) String() string { return "$" + n.Decimal() }

// Decimal gives the amount in dollars without a currency sign, exact, with at
// least three digits after the point.
func (n Nanodollars) Decimal() string {
	sign, v := "", n
	if v < 0 {
		sign, v = "-", -v
	}
	s := fmt.Sprintf("%s%d.%09d", sign, v/Dollar, v%Dollar)
	for keep := 6; keep > 0 && s[len(s)-1] == '0'; keep-- {
		s = s[:len(s)-1]
	}
	return s
}

// ParseDollars reads an amount in dollars, "20" or "0.067", exactly.
func ParseDollars(s string) (Nanodollars, error) {
	whole, part, _ := strings.Cut(s, ".")
	digits := whole + part
	if whole == "" || len(whole) > 9 || len(part) > 9 || strings.Trim(digits, "0123456789") != "" {
		return 0, fmt.Errorf("%q is no amount of dollars; write it like 20 or 0.50", s)
	}
	n, err := strconv.ParseInt(digits+strings.Repeat("0", 9-len(part)), 10, 64)
	return Nanodollars(n), err
}

// A Cost is what an attempt cost: a single amount when Low equals High, else a
// range that holds the true amount (an attempt whose end was not seen).
type Cost struct {
	Low  Nanodollars `json:"low_nanodollars"`
	High Nanodollars `json:"high_nanodollars"`
}

// Exactly is the cost that is known.
func Exactly(n Nanodollars) Cost { return Cost{n, n} }

// Known reports whether the cost is one amount and not a range.
func (c Cost) Known() bool { return c.Low == c.High }

// String gives "$0.067", or "$0.000-$0.067" for a range.
func (c Cost) String() string {
	if c.Known() {
		return c.Low.String()
	}
	return c.Low.String() + "-" + c.High.String()
}

// A Stage says how far an exchange got, because that decides who pays.
type Stage string

// The stages of an attempt, in order. Until Sending nothing that costs can have
// happened; from Waiting on, Google may have done the work.
const (
	Dialing Stage = ""        // no byte of the request had left
	Sending Stage = "sending" // part of the request had left
	Waiting Stage = "waiting" // all of the request had left, no answer came
	Reading Stage = "reading" // the answer had begun and was cut
	Done    Stage = "done"    // the answer is whole
)

// A Project is one Google Cloud project and the limits it is believed to have.
type Project struct {
	Name ProjectName
	Kind Upstream
	// Tier is Google's usage tier, 1 to 3. Zero: unknown, treated as 1.
	Tier int
}

// Upstream is the kind of endpoint that a project is reached through.
type Upstream string

// The kinds of upstream. Zero: [Gemini].
const (
	Gemini     Upstream = "gemini"     // the Gemini API, by API key
	Vertex     Upstream = "vertex"     // Vertex AI, by OAuth
	Compatible Upstream = "compatible" // an aggregator under another base URL
)

// An AttemptID names one HTTP exchange with one project.
type AttemptID string

// A RequestID names what a client asked, which has one or more attempts.
type RequestID string

// An Attempt is one HTTP exchange with one project, as it stands in the ledger.
type Attempt struct {
	ID       AttemptID
	Request  RequestID
	Number   int // 1 for the first attempt of a request
	Client   ClientName
	Project  ProjectName
	Model    Model
	Size     string      // the size that was asked for: "1K"; empty where none was named
	Estimate Nanodollars // the most it can cost
	// Continues identifies the continuation token that the request carried, as
	// ledger.Entry does with that of an answer; empty: it carried none.
	Continues string
	Draft     string        // the size that its picture is a draft for; empty: it is none
	Spares    Nanodollars   // how much less the picture of a draft costs than that of the size it is for
	Final     RequestID     // whose picture it makes at the final size; empty: of none
	Waited    time.Duration // for room or a back-off, since its request came or the last attempt ended
	Opened    time.Time
	Deadline  time.Time // past it, an attempt that nobody settled is unknown
	Claim     Claim     // of its request; zero: none
}
