package ledger

import (
	"testing"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

func entry(t *testing.T, name plantain.Model) gemini.Entry {
	t.Helper()
	e, ok := gemini.DefaultCatalogue().Lookup(name)
	if !ok {
		t.Fatalf("no model %s", name)
	}
	return e
}

// The usage of the recorded answers A, B and C of gemini-api.md §4.
func TestRecordedUsageIsPricedToTheNanodollar(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		model plantain.Model
		usage gemini.Usage
		want  plantain.Nanodollars
	}{
		"A: Pro with 163 unlisted tokens and 174 of thinking": {"pro",
			gemini.Usage{Seen: true, Prompt: 14, Candidates: 1283, ImageOut: 1120, Thoughts: 174},
			14*2000 + 1120*120_000 + (163+174)*12_000},
		"NB2 at 512": {"nb2",
			gemini.Usage{Seen: true, Prompt: 11, Candidates: 1135, ImageOut: 747},
			11*500 + 747*60_000 + 388*3000},
		"C: original with 46 unlisted": {"original",
			gemini.Usage{Seen: true, Prompt: 17, Candidates: 1336, ImageOut: 1290},
			17*300 + 1290*30_000 + 46*2500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := plantain.Verdict{Class: plantain.Success, Charged: plantain.ChargedYes}
			got := Cost(entry(t, c.model).Price, v, gemini.Body{Usage: c.usage, Complete: true}, 1, 0)
			if got != plantain.Exactly(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestAnUnknownChargeIsARangeFromNothing(t *testing.T) {
	t.Parallel()
	e := entry(t, "nb2")
	most := Most(e, e.Price, gemini.Asked{Size: "4K", TextBytes: 40}, 0)
	got := Cost(e.Price, plantain.Verdict{Class: plantain.Unanswered}, gemini.Body{}, most, 0)
	if got.Low != 0 || got.High != most || got.Known() {
		t.Errorf("got %v", got)
	}
	if picture := e.ImagePrice("4K"); most < 10*picture {
		t.Errorf("the most it can have been (%v) is less than ten pictures of %v", most, picture)
	}
}

// The frames before the last one of a stream count the input alone.
func TestAStreamThatBrokeOffIsARangeWhateverItsUsageSaidByThen(t *testing.T) {
	t.Parallel()
	e := entry(t, "nb2")
	most := Most(e, e.Price, gemini.Asked{Size: "512", TextBytes: 40}, 0)
	for _, charged := range []plantain.Charged{plantain.ChargedYes, plantain.ChargedUnknown} {
		v := plantain.Verdict{Class: plantain.Unanswered, Charged: charged}
		got := Cost(e.Price, v, gemini.Body{Usage: gemini.Usage{Seen: true, Prompt: 14}, Complete: true}, most, 0)
		if got != (plantain.Cost{Low: 0, High: most}) {
			t.Errorf("charged %v: got %v, want nothing to %v", charged, got, most)
		}
	}
}

func TestWhatGoogleDoesNotChargeCostsNothing(t *testing.T) {
	t.Parallel()
	v := plantain.Verdict{Class: plantain.SafetyImage, Charged: plantain.ChargedNo}
	body := gemini.Body{Complete: true, Usage: gemini.Usage{Seen: true, Prompt: 10, Thoughts: 220}}
	if got := Cost(entry(t, "pro").Price, v, body, plantain.Dollar, 0); got != plantain.Exactly(0) {
		t.Errorf("got %v", got)
	}
}

func TestAnAggregatorsFactorScalesThePrice(t *testing.T) {
	t.Parallel()
	e := entry(t, "nb2")
	v := plantain.Verdict{Class: plantain.Success, Charged: plantain.ChargedYes}
	body := gemini.Body{Complete: true, Usage: gemini.Usage{Seen: true, Candidates: 1120, ImageOut: 1120}}
	if got, want := Cost(e.Price, v, body, 0, 750), plantain.Exactly(1120*45_000); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAServiceTierHasItsOwnPrice(t *testing.T) {
	t.Parallel()
	e := entry(t, "pro")
	v := plantain.Verdict{Class: plantain.Success, Charged: plantain.ChargedYes}
	body := gemini.Body{Complete: true, Usage: gemini.Usage{Seen: true, Candidates: 1120, ImageOut: 1120}}
	flex := e.Price.Percent(gemini.DefaultCatalogue().ServicePercent("flex"))
	if got, want := Cost(flex, v, body, 0, 0), plantain.Exactly(1120*60_000); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAnOddCountNeverMakesANegativeCost(t *testing.T) {
	t.Parallel()
	v := plantain.Verdict{Class: plantain.Success, Charged: plantain.ChargedYes}
	for _, n := range []int64{-1_000_000, -1 << 62, 1<<63 - 1} {
		u := gemini.Usage{Seen: true, Prompt: n, ToolPrompt: n, Candidates: n, ImageOut: n / 2, Thoughts: n}
		if got := Cost(entry(t, "pro").Price, v, gemini.Body{Complete: true, Usage: u}, 1, 0); got.Low < 0 || got.High < got.Low {
			t.Errorf("%d tokens cost %v", n, got)
		}
	}
}
