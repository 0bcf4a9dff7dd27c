package verdict

// A matcher finds which of many phrases stand in a text, in one pass over it: a
// search for each of them would read a message a hundred times.
type matcher struct {
	phrases []phrase
	starts  [1 << startBits]uint16 // by the hash of the first bytes of a phrase: its bucket; zero: none
	buckets [][]int                // phrases by that hash, in order
}

const (
	startBits  = 13
	startBytes = 3
)

// newMatcher prepares phrases of startBytes or more, in lower case.
func newMatcher(phrases []phrase) *matcher {
	m := &matcher{phrases: phrases, buckets: make([][]int, 1)}
	for i := range phrases {
		at := &m.starts[start(phrases[i].text)]
		if *at == 0 {
			m.buckets = append(m.buckets, nil)
			*at = uint16(len(m.buckets) - 1)
		}
		m.buckets[*at] = append(m.buckets[*at], i)
	}
	return m
}

// first gives the phrase that comes first in the table among those in the text;
// nil: none is.
func (m *matcher) first(low string) *phrase {
	best := len(m.phrases)
	for at := 0; at+startBytes <= len(low); at++ {
		bucket := m.starts[start(low[at:])]
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

// start gives the hash of the first bytes.
func start(s string) uint32 {
	_ = s[startBytes-1]
	return (uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16) * 0x9E3779B1 >> (32 - startBits)
}

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
