package pool

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/plantainhq/plantain"
)

// Ticks are settled amounts, oldest first. Their JSON is one flat list of five
// numbers for each, the instant as the distance from the one before: a state is
// written with every attempt, and this is a quarter of what objects take.
type Ticks []Tick

const tickNumbers = 5

// MarshalJSON implements [json.Marshaler].
func (ts Ticks) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 2+20*len(ts))
	b = append(b, '[')
	var before int64
	for i, t := range ts {
		if i > 0 {
			b = append(b, ',')
		}
		for j, n := range [tickNumbers]int64{t.At - before, t.Requests, t.Images, t.Tokens, int64(t.Spend)} {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, n, 10)
		}
		before = t.At
	}
	return append(b, ']'), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (ts *Ticks) UnmarshalJSON(text []byte) error {
	var n []int64
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	if len(n)%tickNumbers != 0 {
		return errors.New("ticks are not lists of five numbers")
	}
	*ts = make(Ticks, 0, len(n)/tickNumbers)
	var at int64
	for ; len(n) > 0; n = n[tickNumbers:] {
		at += n[0]
		*ts = append(*ts, Tick{at, Amount{n[1], n[2], n[3], plantain.Nanodollars(n[4])}})
	}
	return nil
}
