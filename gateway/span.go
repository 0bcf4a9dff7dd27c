package gateway

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseSpan reads "30d" beside what Go reads; "0s" is none. Its error is for whoever
// wrote it.
func ParseSpan(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 1e5 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no span of time; write it like 12h or 30d", s)
	}
	return d, nil
}
