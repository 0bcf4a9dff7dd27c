package symptom

import (
	"cmp"
	"math"
	"slices"
)

// A Match is a row that words lead to.
type Match struct {
	Row
	Score float64  `json:"score"` // the better the higher; it compares matches of the same words only
	By    []string `json:"by"`    // the words that led here
	Says  []string `json:"now"`   // what the moment adds, a sentence each; see [Now.Says]
}

// An index finds rows by their words: the usual BM25, in which a word that few
// rows have weighs more than one that many have, and saying it over and over does
// not help.
type index struct {
	*language
	rows   []map[string]float64 // how often a row has a stem; each has its surfaces
	length []float64            // of a row, in words
	mean   float64              // of the lengths
	having map[string]float64   // how many rows have a stem
}

const (
	saturation = 1.2 // BM25's k1
	leveling   = 0.6 // BM25's b: how far long rows are held back
	// Names and codes say more than the words around them.
	nameWeight = 2
)

func newIndex(t *table) *index {
	x := &index{language: newLanguage(t.Same, t.Ignored), having: map[string]float64{}}
	for _, r := range t.Rows {
		for _, text := range slices.Concat([]string{r.Title}, r.See, r.Words) {
			x.learn(text)
		}
	}
	for _, r := range t.Rows {
		x.add(r)
	}
	return x
}

func (x *index) add(r Row) {
	words, length := map[string]float64{}, 0.0
	put := func(text string, weight float64) {
		for _, t := range x.terms(text) {
			words[t.stem] += weight
			length += weight
		}
	}
	for _, text := range slices.Concat([]string{r.Title}, r.See) {
		put(text, 1)
	}
	for _, text := range r.Words {
		put(text, nameWeight)
	}
	for _, surface := range r.Where {
		put(string(surface), 1)
	}
	for w := range words {
		x.having[w]++
	}
	n := float64(len(x.rows))
	x.mean = (x.mean*n + length) / (n + 1)
	x.rows, x.length = append(x.rows, words), append(x.length, length)
}

// weight is how much a word tells. One that no row has tells the most, but for a
// number: how many minutes or images it were leads nowhere else.
func (x *index) weight(stem string) float64 {
	n, having := float64(len(x.rows)), x.having[stem]
	if having == 0 && stem[0] <= '9' {
		return 0
	}
	return math.Log(1 + (n-having+0.5)/(having+0.5))
}

// enough is the part of what words tell that a row must account for, and least
// the score of a single word that is worth something. Past most bytes it is no
// longer somebody who says what is seen, but a log, which explain is for.
const (
	enough = 0.35
	least  = 2.0
	most   = 2000
)

// Find gives the rows that words lead to, best first. It takes other forms of a
// word, words that say the same, small typing errors, codes and names of the
// wire; the id of a row is that row. Nothing fits: nil, rather than a wrong one.
func Find(words string) []Match {
	t := known()
	asked := unique(t.index.terms(words[:min(len(words), most)]))
	told := 0.0
	for _, w := range asked {
		told += t.index.weight(w.stem)
	}
	var matches []Match
	for i, r := range t.Rows {
		m, accounted := t.index.match(i, asked)
		if r.ID == words || m.Score >= least && accounted >= enough*told {
			m.Row = r
			matches = append(matches, m)
		}
	}
	slices.SortStableFunc(matches, func(a, b Match) int {
		switch words {
		case a.ID:
			return -1
		case b.ID:
			return 1
		default:
			return cmp.Compare(b.Score, a.Score)
		}
	})
	return matches
}

// match scores a row, and says how much of what was asked it accounts for. The
// status of HTTP accounts for whatever stands around it.
func (x *index) match(i int, asked []term) (m Match, accounted float64) {
	long := 1 - leveling + leveling*x.length[i]/x.mean
	for _, w := range asked {
		often := x.rows[i][w.stem]
		if often == 0 {
			continue
		}
		weight := x.weight(w.stem) * w.sure
		m.Score += weight * often * (saturation + 1) / (often + saturation*long)
		m.By = append(m.By, w.typed)
		accounted += weight
		if isStatus(w.stem) {
			accounted = math.Inf(1)
		}
	}
	m.Score = math.Round(100*m.Score) / 100
	return m, accounted
}

func isStatus(stem string) bool { return len(stem) == len("429") && stem[0] >= '2' && stem[0] <= '5' }

// unique leaves out what was said before.
func unique(terms []term) (once []term) {
	for _, t := range terms {
		if !slices.ContainsFunc(once, func(o term) bool { return o.stem == t.stem }) {
			once = append(once, t)
		}
	}
	return once
}
