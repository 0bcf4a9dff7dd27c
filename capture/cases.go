package capture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/verdict"
)

// Cases reads captured responses, one object a line in the form of
// failures/README.md, and tells of each in order. Lines may be of any length,
// blank ones are skipped; one that is no object is explained as that, so that
// nothing after it moves. It errs only if reading or tell does.
func Cases(from io.Reader, rules verdict.Rules, hour Hour, tell func(Case, Explanation) error) error {
	lines := bufio.NewReaderSize(from, 256<<10)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff"))); len(line) > 0 {
			c, e := explainCase(line, rules, hour)
			if e.ID == "" {
				e.ID = fmt.Sprintf("line %d", n)
			}
			if err := tell(c, e); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the cases: %w", err)
		}
	}
}

// Agrees compares an explanation with the label of the case; told is false where it
// has none. A wait may differ by a second, which RetryInfo drops, and a charge that
// is labelled unknown agrees with any.
func (c Case) Agrees(e Explanation) (agrees, told bool) {
	var truth struct {
		Class   plantain.Class
		Retry   plantain.Retry
		Limit   plantain.Limit
		Wait    *float64 `json:"wait_seconds"`
		Stated  *float64 `json:"stated_wait_seconds"`
		Charged plantain.Charged
	}
	if len(c.Truth) == 0 || json.Unmarshal(c.Truth, &truth) != nil {
		return false, false
	}
	limit := plantain.Limit("")
	if e.Limit != nil {
		limit = *e.Limit
	}
	return truth.Class == e.Class && truth.Retry == e.Retry && truth.Limit == limit && near(truth.Wait, e.Wait) &&
		near(truth.Stated, e.Stated) && (truth.Charged == plantain.ChargedUnknown || truth.Charged == e.Charged), true
}

func near(a, b *float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return math.Abs(*a-*b) <= 1
}

func explainCase(line []byte, rules verdict.Rules, hour Hour) (Case, Explanation) {
	c, err := ParseCase(line)
	if err == nil {
		return c, Explain(c.Exchange(), rules, hour)
	}
	return c, Of(plantain.Verdict{Retry: plantain.RetryNo,
		Explanation: "This line is no JSON object (" + strings.TrimSpace(err.Error()) + "), so there is nothing to explain.",
		Fix:         "Put one response a line: {\"id\":…, \"http_status\":…, \"body\":\"…\"}."}, Hour{})
}
