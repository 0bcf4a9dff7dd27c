package verdict

import "github.com/plantainhq/plantain"

// Recall completes a verdict of which only class, charge, limit and explanation
// were kept: with the usual advice of its class, and what to do in general.
func Recall(v plantain.Verdict) plantain.Verdict {
	n := finding{class: v.Class, limit: v.Limit}
	_, v.Fix = words(n)
	v.Retry = n.advice()
	if v.Explanation == "" {
		v.Explanation, _ = words(n)
	}
	return v
}
