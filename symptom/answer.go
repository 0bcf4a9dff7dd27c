package symptom

// An Answer is what is found for words, in the form that `plantain symptom -o json`
// and GET /api/v1/symptoms give.
type Answer struct {
	Asked string  `json:"asked"`
	Fits  []Match `json:"fits"` // best first; empty: nothing fits, or nothing was asked
	// Rows is the whole table, each row with what the moment adds, where nothing fits
	// or nothing was asked.
	Rows []Match `json:"rows,omitempty"`
	Now  Now     `json:"now"`
}

// Ask finds the rows for words. Without words, and where nothing fits, it gives all
// of them.
func Ask(words string, now Now) Answer {
	a := Answer{Asked: words, Fits: told(append([]Match{}, Find(words)...), now), Now: now}
	if len(a.Fits) == 0 {
		for _, r := range Rows() {
			a.Rows = append(a.Rows, Match{Row: r, By: []string{}})
		}
		told(a.Rows, now)
	}
	return a
}

func told(matches []Match, now Now) []Match {
	for i := range matches {
		matches[i].Says = now.Says(matches[i].Row)
	}
	return matches
}
