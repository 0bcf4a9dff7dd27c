package relay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/pool"
)

// A prompt may bring ten pictures, each of them billed, in one answer: one that was
// cut off can have cost as much, although one picture is what it takes of the
// windows before it is sent.
func TestAnUnknownChargeContainsSeveralPictures(t *testing.T) {
	t.Parallel()
	nb2, _ := gemini.DefaultCatalogue().Lookup("nb2")
	picture := nb2.ImagePrice("1K")
	pictures := strings.Repeat(`{"inlineData":{"mimeType":"image/png","data":"`+pixel+`"}},`, 9)
	begun := `{"candidates":[{"content":{"parts":[` + pictures + `{"inlineData":{"mimeType":"image/png","data":"` + pixel[:20]
	story(t, "cut in its tenth picture", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(cut(begun))})
		members := h.Pool.Members()
		members[0].Whole = pool.Limits{plantain.LimitSpend: int64(3 * picture)}
		h.Pool.Replace(members)
		h.generate(t)
		e := h.books.entries[0]
		if e.Verdict.Charged != plantain.ChargedUnknown || e.Cost.Low != 0 || e.Cost.High < 10*picture {
			t.Errorf("it stands as %v of %s, which does not contain %s", e.Verdict.Charged, e.Cost, 10*picture)
		}
		if used := h.Pool.Seen(pool.Key{Project: "a"}); used.Used(plantain.LimitSpend, time.Now()) > int64(2*picture) {
			t.Errorf("the window of a counts %d, more than what it was opened with", used.Used(plantain.LimitSpend, time.Now()))
		}
	})
}
