package verdict

// A matcher finds which of many phrases stand in a text, in one pass over it: a
// search for each of them would read a message a hundred times.
type matcher struct {
	phrases []phrase
	starts  [1 << 16]uint8 // by the first two bytes of a phrase: its bucket; zero: none
	buckets [][]int        // phrases by their first two bytes, in order
}

// newMatcher prepares phrases of two bytes or more, in lower case. More than 255
// pairs of first bytes do not fit.
func newMatcher(phrases []phrase) *matcher {
	m := &matcher{phrases: phrases, buckets: make([][]int, 1)}
	for i := range phrases {
		at := &m.starts[pair(phrases[i].text)]
		if *at == 0 {
			m.buckets = append(m.buckets, nil)
			*at = uint8(len(m.buckets) - 1)
		}
		m.buckets[*at] = append(m.buckets[*at], i)
	}
	return m
}

// first gives the phrase that comes first in the table among those in the text;
// nil: none is.
func (m *matcher) first(low string) *phrase {
	best := len(m.phrases)
	for at := 0; at+1 < len(low); at++ {
		bucket := m.starts[pair(low[at:])]
		if bucket == 0 {
			continue
		}
		for _, i := range m.buckets[bucket] {
			if i >= best {
				break
			}
			if text := m.phrases[i].text; len(low)-at >= len(text) && low[at:at+len(text)] == text {
				best = i
			}
		}
	}
	if best == len(m.phrases) {
		return nil
	}
	return &m.phrases[best]
}

func pair(s string) uint16 { return uint16(s[0])<<8 | uint16(s[1]) }

// lower makes the letters of ASCII small, which is all that the phrases need and
// several times as fast as all of Unicode.
func lower(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			return lowerFrom(s, i)
		}
	}
	return s
}

func lowerFrom(s string, at int) string {
	b := []byte(s)
	for i := at; i < len(b); i++ {
		if c := b[i]; c >= 'A' && c <= 'Z' {
			b[i] = c + ('a' - 'A')
		}
	}
	return string(b)
}
