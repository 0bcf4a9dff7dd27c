package plantain

import (
	"fmt"
	"strconv"
	"time"
)

// A Verdict is what the response of an attempt means.
type Verdict struct {
	Class Class
	// Charged says whether Google bills the attempt.
	Charged Charged
	// Retry is advice to a person who sends the same request again. What the
	// gateway does by itself is the relay's policy, not this.
	Retry Retry
	// Wait is how long to wait before trying again; zero: nothing that can be
	// believed is known. Stated is what the response said, believable or not.
	Wait, Stated time.Duration
	// Limit is the quota that binds; empty where none does.
	Limit Limit
	// Value is the size of that limit as the response disclosed it. Disclosed is
	// false where it said nothing, so that a Value of 0 means "limit: 0".
	Value     int64
	Disclosed bool
	// Explanation says what happened and how we know whether it was charged; Fix
	// says what to do next. Both are whole sentences for a person.
	Explanation, Fix string
}

// Class is the kind of thing that happened. The zero value is unclassified.
type Class string

// The classes of a verdict, as in the retry table of the design.
const (
	Unclassifiable   Class = ""
	Success          Class = "success"
	QuotaUnknown     Class = "quota_unknown"
	RateMinute       Class = "rate_minute"
	RateDay          Class = "rate_day"
	QuotaZero        Class = "quota_zero"
	Billing          Class = "billing"
	Capacity         Class = "capacity"
	ServerError      Class = "server_error"
	Timeout          Class = "timeout"    // a 504 or 499 that was received
	Unanswered       Class = "unanswered" // sent, and no whole answer came back
	ThoughtSignature Class = "thought_signature"
	BadRequest       Class = "bad_request"
	KeyInvalid       Class = "key_invalid"
	Permission       Class = "permission"
	Region           Class = "region"
	ModelNotFound    Class = "model_not_found"
	SafetyPrompt     Class = "safety_prompt"
	SafetyImage      Class = "safety_image"
	Recitation       Class = "recitation"
	NoImage          Class = "no_image"
	Truncated        Class = "truncated"
	ClientLimit      Class = "client_limit" // of the client's own allowance at a gateway; never Google's
)

// String gives the class as it stands in JSON; the zero value is "unclassifiable".
func (c Class) String() string {
	if c == Unclassifiable {
		return "unclassifiable"
	}
	return string(c)
}

// MarshalText gives [Class.String].
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what [Class.MarshalText] wrote.
func (c *Class) UnmarshalText(text []byte) error {
	*c = Class(text)
	if *c == "unclassifiable" {
		*c = Unclassifiable
	}
	return nil
}

// Charged says whether Google bills an attempt. The zero value is unknown.
type Charged string

// The answers to "did I pay?".
const (
	ChargedUnknown Charged = ""
	ChargedYes     Charged = "yes"
	ChargedNo      Charged = "no"
)

// String gives "yes", "no" or "unknown".
func (c Charged) String() string {
	if c == ChargedUnknown {
		return "unknown"
	}
	return string(c)
}

// MarshalJSON gives true, false or "unknown", as `explain -o json` promises.
func (c Charged) MarshalJSON() ([]byte, error) {
	switch c {
	case ChargedYes:
		return []byte("true"), nil
	case ChargedNo:
		return []byte("false"), nil
	default:
		return []byte(`"unknown"`), nil
	}
}

// UnmarshalJSON reads what [Charged.MarshalJSON] wrote.
func (c *Charged) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "true":
		*c = ChargedYes
	case "false":
		*c = ChargedNo
	case `"unknown"`, "null":
		*c = ChargedUnknown
	default:
		return fmt.Errorf("charged: %s is none of true, false and \"unknown\"", text)
	}
	return nil
}

// Retry is what helps the same request soonest. The zero value is unknown and
// is to be read as [RetryNo].
type Retry string

// The advice of a verdict.
const (
	RetryNo           Retry = "no"
	RetryLater        Retry = "same-request-later"
	RetryOtherProject Retry = "other-project-now"
	RetryAfterFix     Retry = "after-fix"
)

// Limit is a quota of Google's, or what a gateway allows a client. Empty: none.
type Limit string

// The limits that a response can name.
const (
	LimitRPM            Limit = "rpm" // requests a minute
	LimitIPM            Limit = "ipm" // images a minute
	LimitTPM            Limit = "tpm" // input tokens a minute
	LimitRPD            Limit = "rpd" // requests a Pacific day
	LimitIPD            Limit = "ipd" // images a Pacific day
	LimitTPD            Limit = "tpd" // tokens a Pacific day
	LimitSpend          Limit = "spend"
	LimitZero           Limit = "zero-quota"
	LimitSharedCapacity Limit = "shared-capacity"
)

// The limits of an [Allowance]. Days and months are Pacific, as those of Google's
// quotas and bills are.
const (
	ClientRequests Limit = "requests_per_minute"
	ClientImages   Limit = "images_per_day"
	BudgetDay      Limit = "budget_per_day"
	BudgetMonth    Limit = "budget_per_month"
	BudgetTotal    Limit = "budget_total"
	ClientModels   Limit = "models"
	ClientSize     Limit = "max_size"
)

// Money reports a limit whose size is in nano-dollars.
func (l Limit) Money() bool {
	switch l {
	case BudgetDay, BudgetMonth, BudgetTotal, LimitSpend:
		return true
	default:
		return false
	}
}

// Quantity gives an amount of a limit for programs: dollars without a sign, or a
// count.
func (l Limit) Quantity(n int64) string {
	if l.Money() {
		return Nanodollars(n).Decimal()
	}
	return strconv.FormatInt(n, 10)
}

// AccountLimits are the limits of an allowance that count what a client uses.
var AccountLimits = []Limit{ClientRequests, ClientImages, BudgetDay, BudgetMonth, BudgetTotal}

// FilteredBilling is what to believe of a filtered image about whose charge
// Google says nothing. The zero value is charged, the careful assumption.
type FilteredBilling string

// The two beliefs of `billing.filtered`.
const (
	FilteredCharged FilteredBilling = "charged"
	FilteredFree    FilteredBilling = "free"
)
