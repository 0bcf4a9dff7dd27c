package verdict

import (
	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// retold gives the verdict that stands in the answer of a Plantain, in the detail
// that it adds to Google's error: it knew more than its words say.
func retold(f *gemini.Facts) (plantain.Verdict, bool) {
	if pictured(&f.Body) {
		return plantain.Verdict{}, false
	}
	for i := range f.Body.Errors {
		l := layer{ErrorFacts: &f.Body.Errors[i]}
		class := plantain.Class(l.Metadata["verdict"])
		if _, known := usual[class]; l.Domain != "plantain" || !known || class == plantain.Success || class == plantain.Unclassifiable {
			continue
		}
		n := finding{class: class, limit: plantain.Limit(l.Metadata["limit"]), stated: l.stated(), from: &l}
		if class == plantain.ClientLimit && n.stated == 0 {
			n.retry = plantain.RetryAfterFix // a model, a size or a budget that does not come back
		}
		if p := phrases.first(l.low()); p != nil && p.cause == turnedAway {
			n.cause, n.retry = p.cause, p.retry // no project helps whom the door does not know
		}
		said, fix := words(n)
		v := plantain.Verdict{
			Class: class, Charged: chargedOf(l.Metadata["charged"]), Retry: n.advice(), Wait: n.wait(), Stated: n.stated, Limit: n.bound(),
			Explanation: firstText(clean(l.Metadata["explanation"], 600), said), Fix: firstText(clean(l.Metadata["next"], 300), fix),
		}
		return v, true
	}
	return plantain.Verdict{}, false
}

func chargedOf(word string) plantain.Charged {
	switch c := plantain.Charged(word); c {
	case plantain.ChargedYes, plantain.ChargedNo:
		return c
	default:
		return plantain.ChargedUnknown
	}
}

func firstText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
