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
			got := Cost(entry(t, c.model), v, gemini.Body{Usage: c.usage, Complete: true}, 1, 0)
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
	got := Cost(e, plantain.Verdict{Class: plantain.Unanswered}, gemini.Body{}, most, 0)
	if got.Low != 0 || got.High != most || got.Known() {
		t.Errorf("got %v", got)
	}
	if picture := e.ImagePrice("4K"); most < 10*picture {
		t.Errorf("the most it can have been (%v) is less than ten pictures of %v", most, picture)
	}
}

// The frames before the last one of a stream count the input alone.
func TestAnAnswerThatBrokeOffIsARangeFromWhatHadComeByThen(t *testing.T) {
	t.Parallel()
	e := entry(t, "nb2")
	most := Most(e, e.Price, gemini.Asked{Size: "512", TextBytes: 40}, 0)
	picture := gemini.Part{Kind: gemini.KindImage, Width: 512, Height: 512}
	draft := gemini.Part{Kind: gemini.KindImage, Thought: true, Width: 512, Height: 512}
	failed := []gemini.ErrorFacts{{Code: 503}}
	for name, c := range map[string]struct {
		class   plantain.Class
		charged plantain.Charged
		body    gemini.Body
		low     plantain.Nanodollars
	}{
		"a picture and an error":  {plantain.Unanswered, plantain.ChargedYes, gemini.Body{Parts: []gemini.Part{draft, picture}, Errors: failed}, 14*500 + 747*60_000},
		"a picture of odd pixels": {plantain.Unanswered, plantain.ChargedYes, gemini.Body{Parts: []gemini.Part{{Kind: gemini.KindImage, Width: 7}}, Errors: failed}, 14*500 + 747*60_000},
		"text and an error":       {plantain.Capacity, plantain.ChargedUnknown, gemini.Body{Parts: []gemini.Part{{Kind: gemini.KindText, Text: "Here"}}, Errors: failed}, 0},
		"text and no end":         {plantain.Unanswered, plantain.ChargedUnknown, gemini.Body{Parts: []gemini.Part{{Kind: gemini.KindText, Text: "Here"}}}, 0},
		"a picture and no end":    {plantain.Unanswered, plantain.ChargedUnknown, gemini.Body{Parts: []gemini.Part{picture}}, 0},
	} {
		c.body.Complete, c.body.Usage = true, gemini.Usage{Seen: true, Prompt: 14}
		got := Cost(e, plantain.Verdict{Class: c.class, Charged: c.charged}, c.body, most, 0)
		if got != (plantain.Cost{Low: c.low, High: most}) {
			t.Errorf("%s: got %v, want %v to %v", name, got, c.low, most)
		}
	}
}

// NO_IMAGE with a count of input and none of output: Google does not say whether it
// bills that, but it bills nothing else.
func TestAnUnknownChargeOfAWholeAnswerIsAtMostWhatGoogleCounted(t *testing.T) {
	t.Parallel()
	e := entry(t, "nb2")
	for _, class := range []plantain.Class{plantain.NoImage, plantain.Truncated, plantain.Unclassifiable} {
		body := gemini.Body{Complete: true, FinishReason: "NO_IMAGE", Usage: gemini.Usage{Seen: true, Prompt: 14}}
		got := Cost(e, plantain.Verdict{Class: class}, body, plantain.Dollar, 0)
		if got != (plantain.Cost{High: 14 * 500}) {
			t.Errorf("%v: got %v, want nothing to what 14 tokens of input cost", class, got)
		}
	}
}

func TestWhatNobodyCountedIsARange(t *testing.T) {
	t.Parallel()
	e := entry(t, "nb2")
	picture := []gemini.Part{{Kind: gemini.KindImage, Width: 1024, Height: 1024}}
	for name, c := range map[string]struct {
		charged plantain.Charged
		body    gemini.Body
		want    plantain.Cost
	}{
		"no usage":               {plantain.ChargedUnknown, gemini.Body{}, plantain.Cost{High: plantain.Dollar}},
		"all counts are zero":    {plantain.ChargedUnknown, gemini.Body{Usage: gemini.Usage{Seen: true}}, plantain.Cost{High: plantain.Dollar}},
		"a picture, input alone": {plantain.ChargedYes, gemini.Body{Parts: picture, Usage: gemini.Usage{Seen: true, Prompt: 14}}, plantain.Cost{Low: 14*500 + 1120*60_000, High: plantain.Dollar}},
		"a picture, not listed":  {plantain.ChargedYes, gemini.Body{Parts: picture, Usage: gemini.Usage{Seen: true, Prompt: 14, Candidates: 1130}}, plantain.Exactly(14*500 + 1120*60_000 + 10*3000)},
	} {
		c.body.Complete, c.body.FinishReason = true, "STOP"
		if got := Cost(e, plantain.Verdict{Class: plantain.Success, Charged: c.charged}, c.body, plantain.Dollar, 0); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestWhatGoogleDoesNotChargeCostsNothing(t *testing.T) {
	t.Parallel()
	v := plantain.Verdict{Class: plantain.SafetyImage, Charged: plantain.ChargedNo}
	body := gemini.Body{Complete: true, Usage: gemini.Usage{Seen: true, Prompt: 10, Thoughts: 220}}
	if got := Cost(entry(t, "pro"), v, body, plantain.Dollar, 0); got != plantain.Exactly(0) {
		t.Errorf("got %v", got)
	}
}

func TestAnAggregatorsFactorScalesThePrice(t *testing.T) {
	t.Parallel()
	e := entry(t, "nb2")
	v := plantain.Verdict{Class: plantain.Success, Charged: plantain.ChargedYes}
	body := gemini.Body{Complete: true, Usage: gemini.Usage{Seen: true, Candidates: 1120, ImageOut: 1120}}
	if got, want := Cost(e, v, body, 0, 750), plantain.Exactly(1120*45_000); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAServiceTierHasItsOwnPrice(t *testing.T) {
	t.Parallel()
	e := entry(t, "pro")
	v := plantain.Verdict{Class: plantain.Success, Charged: plantain.ChargedYes}
	body := gemini.Body{Complete: true, Usage: gemini.Usage{Seen: true, Candidates: 1120, ImageOut: 1120}}
	e.Price = e.Price.Percent(gemini.DefaultCatalogue().ServicePercent("flex"))
	if got, want := Cost(e, v, body, 0, 0), plantain.Exactly(1120*60_000); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAnOddCountNeverMakesANegativeCost(t *testing.T) {
	t.Parallel()
	v := plantain.Verdict{Class: plantain.Success, Charged: plantain.ChargedYes}
	for _, n := range []int64{-1_000_000, -1 << 62, 1<<63 - 1} {
		u := gemini.Usage{Seen: true, Prompt: n, ToolPrompt: n, Candidates: n, ImageOut: n / 2, Thoughts: n}
		if got := Cost(entry(t, "pro"), v, gemini.Body{Complete: true, Usage: u}, 1, 0); got.Low < 0 || got.High < got.Low {
			t.Errorf("%d tokens cost %v", n, got)
		}
	}
}

func TestADraftSparesTheTokensThatItsPictureDoesNotHave(t *testing.T) {
	t.Parallel()
	nb2, pro := entry(t, "nb2"), entry(t, "pro")
	for _, c := range []struct {
		entry       gemini.Entry
		size, final string
		factor      Factor
		want        plantain.Nanodollars
	}{
		{nb2, "512", "4K", 0, (2520 - 747) * 60_000},
		{nb2, "", "2K", 0, (1680 - 1120) * 60_000},
		{nb2, "512", "1K", 500, (1120 - 747) * 30_000},
		{pro, "1K", "4K", 0, (2000 - 1120) * 120_000},
		{pro, "1K", "2K", 0, 0},
		{nb2, "4K", "1K", 0, 0},
		{pro, "1K", "8K", 0, 0},
		{nb2, "512", "", 0, 0},
	} {
		if got := Spares(c.entry, c.entry.Price, gemini.Asked{Size: c.size}, c.final, c.factor); got != c.want {
			t.Errorf("%s %s for %s: got %s, want %s", c.entry.ID, c.size, c.final, got, c.want)
		}
	}
}
