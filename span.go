package plantain

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var spanDays = regexp.MustCompile(`^([0-9]{1,5})d(.*)$`)

// ParseSpan reads a span of time as Go writes it, with whole days before it if need
// be: "12h", "30d", "1d12h"; "0" and "0s" are none. Its error is for whoever wrote it.
func ParseSpan(s string) (time.Duration, error) {
	var days time.Duration
	rest := s
	if m := spanDays.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1]) // five digits
		days, rest = time.Duration(n)*24*time.Hour, m[2]
		if rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || days+d < 0 {
		return 0, fmt.Errorf("%q is no span of time; write it like 12h, 30d or 1d12h", s)
	}
	return days + d, nil
}
