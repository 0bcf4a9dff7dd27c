package gemini_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

func lookup(t *testing.T, name plantain.Model) gemini.Entry {
	t.Helper()
	e, ok := gemini.DefaultCatalogue().Lookup(name)
	if !ok {
		t.Fatalf("no model %q", name)
	}
	return e
}

func TestEveryNameFindsTheModelThatServes(t *testing.T) {
	t.Parallel()
	serves := map[plantain.Model][]plantain.Model{
		"gemini-nano-banana-2.1":      {"nb2.1", "nano-banana-2.1"},
		"gemini-3.1-flash-image":      {"nb2", "nano-banana-2", "gemini-3.1-flash-image-preview"},
		"gemini-3-pro-image":          {"pro", "nano-banana-pro", "gemini-3-pro-image-preview", "nano-banana-pro-preview"},
		"gemini-3.1-flash-lite-image": {"lite", "nano-banana-2-lite"},
		"gemini-2.5-flash-image":      {"original", "nano-banana", "gemini-2.5-flash-image-preview"},
	}
	for id, names := range serves {
		for _, name := range append(names, id, "models/"+id, "publishers/google/models/"+id, "models/"+names[0]) {
			if e := lookup(t, name); e.ID != id {
				t.Errorf("%s is served by %s, want %s", name, e.ID, id)
			}
		}
	}
	if n := len(gemini.DefaultCatalogue().Models()); n != len(serves) {
		t.Errorf("%d models, the test knows %d", n, len(serves))
	}
	for _, name := range []plantain.Model{"", "models/", "gemini-2.5-flash", "NB2", "imagen-4"} {
		if e, ok := gemini.DefaultCatalogue().Lookup(name); ok {
			t.Errorf("%q found %s", name, e.ID)
		}
	}
}

// The table of Google's image guide, copy of 2026-07-27, with 792x336 where it
// prints 792x168. Columns: ratio, then 512, 1K, 2K, 4K, then 1K of the original.
const guide = `
1:1   512x512   1024x1024 2048x2048  4096x4096  1024x1024
1:4   256x1024  512x2048  1024x4096  2048x8192  -
1:8   192x1536  384x3072  768x6144   1536x12288 -
2:3   424x632   848x1264  1696x2528  3392x5056  832x1248
3:2   632x424   1264x848  2528x1696  5056x3392  1248x832
3:4   448x600   896x1200  1792x2400  3584x4800  864x1184
4:1   1024x256  2048x512  4096x1024  8192x2048  -
4:3   600x448   1200x896  2400x1792  4800x3584  1184x864
4:5   464x576   928x1152  1856x2304  3712x4608  896x1152
5:4   576x464   1152x928  2304x1856  4608x3712  1152x896
8:1   1536x192  3072x384  6144x768   12288x1536 -
9:16  384x688   768x1376  1536x2752  3072x5504  768x1344
16:9  688x384   1376x768  2752x1536  5504x3072  1344x768
21:9  792x336   1584x672  3168x1344  6336x2688  1536x672
`

func TestPixelsAreThoseOfTheGuide(t *testing.T) {
	t.Parallel()
	long := map[string]bool{"1:4": true, "1:8": true, "4:1": true, "8:1": true}
	columns := []string{"512", "1K", "2K", "4K"}
	makes := map[plantain.Model]struct {
		sizes string
		long  bool
	}{
		"nb2.1":    {"1K 2K 4K", true},
		"nb2":      {"512 1K 2K 4K", true},
		"pro":      {"1K 2K 4K", false},
		"lite":     {"1K", false},
		"original": {"1K", false},
	}
	for _, row := range strings.Split(strings.TrimSpace(guide), "\n") {
		cells := strings.Fields(row)
		ratio := cells[0]
		for name, m := range makes {
			e := lookup(t, name)
			for i, size := range columns {
				want := cells[1+i]
				if name == "original" {
					want = cells[5]
				}
				if !strings.Contains(" "+m.sizes+" ", " "+size+" ") || long[ratio] && !m.long {
					want = "-"
				}
				if got := pixels(e, size, ratio); got != want {
					t.Errorf("%s %s at %s: %s, want %s", name, size, ratio, got, want)
				}
			}
		}
	}
}

func pixels(e gemini.Entry, size, ratio string) string {
	w, h, ok := e.Pixels(size, ratio)
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%dx%d", w, h)
}

func TestUnnamedSizeAndRatioAreTheDefaults(t *testing.T) {
	t.Parallel()
	e := lookup(t, "nb2")
	if got := pixels(e, "", ""); got != "1024x1024" {
		t.Errorf("pixels %s", got)
	}
	if got := e.ImageTokens(""); got != 1120 {
		t.Errorf("%d tokens", got)
	}
}

func TestTokensAndPricesAreThoseOfThePricePage(t *testing.T) {
	t.Parallel()
	for _, want := range []struct {
		model              plantain.Model
		size               string
		tokens             int64
		image, batch       string // dollars for one picture
		input, text, perMM plantain.Nanodollars
	}{
		{"nb2.1", "1K", 1120, "0.0336", "0.0168", 1500, 7500, 30_000},
		{"nb2.1", "2K", 1680, "0.0504", "0.0252", 1500, 7500, 30_000},
		{"nb2.1", "4K", 3780, "0.1134", "0.0567", 1500, 7500, 30_000},
		{"nb2", "512", 747, "0.04482", "0.02241", 500, 3000, 60_000},
		{"nb2", "1K", 1120, "0.0672", "0.0336", 500, 3000, 60_000},
		{"nb2", "2K", 1680, "0.1008", "0.0504", 500, 3000, 60_000},
		{"nb2", "4K", 2520, "0.1512", "0.0756", 500, 3000, 60_000},
		{"pro", "1K", 1120, "0.1344", "0.0672", 2000, 12_000, 120_000},
		{"pro", "2K", 1120, "0.1344", "0.0672", 2000, 12_000, 120_000},
		{"pro", "4K", 2000, "0.240", "0.120", 2000, 12_000, 120_000},
		{"lite", "1K", 1120, "0.0336", "0.0168", 250, 1500, 30_000},
		{"original", "1K", 1290, "0.0387", "0.01935", 300, 2500, 30_000},
		{"original", "4K", 0, "0.000", "0.000", 300, 2500, 30_000},
		{"nb2.1", "512", 0, "0.000", "0.000", 1500, 7500, 30_000},
	} {
		e := lookup(t, want.model)
		if got := e.ImageTokens(want.size); got != want.tokens {
			t.Errorf("%s %s: %d tokens, want %d", want.model, want.size, got, want.tokens)
		}
		if got := e.ImagePrice(want.size).Decimal(); got != want.image {
			t.Errorf("%s %s: $%s, want $%s", want.model, want.size, got, want.image)
		}
		price := gemini.Price{Input: want.input, Text: want.text, Image: want.perMM}
		if e.Price != price {
			t.Errorf("%s: %v a token, want %v", want.model, e.Price, price)
		}
		half := price.Percent(gemini.DefaultCatalogue().ServicePercent("batch"))
		if got := (half.Image * plantain.Nanodollars(want.tokens)).Decimal(); got != want.batch {
			t.Errorf("%s %s in a batch: $%s, want $%s", want.model, want.size, got, want.batch)
		}
		if half.Input*2 != price.Input || half.Text*2 != price.Text {
			t.Errorf("%s: a batch costs %v, not half of %v", want.model, half, price)
		}
	}
}

func TestServiceTiers(t *testing.T) {
	t.Parallel()
	for tier, want := range map[string]int{"batch": 50, "flex": 50, "FLEX": 50, "priority": 200, "standard": 100, "": 100, "new": 100} {
		if got := gemini.DefaultCatalogue().ServicePercent(tier); got != want {
			t.Errorf("%q: %d percent, want %d", tier, got, want)
		}
	}
}

func TestTheRestOfAModel(t *testing.T) {
	t.Parallel()
	for _, want := range []struct {
		model           plantain.Model
		mime            string
		images          int
		imageIn         int64
		in, out         int64
		thinking, signs bool
		omit            bool
		ends            string
	}{
		{"nb2.1", "image/jpeg", 14, 1120, 65536, 65536, true, true, false, ""},
		{"nb2", "image/jpeg", 14, 1120, 65536, 65536, true, true, false, "2026-10-29"},
		{"pro", "image/jpeg", 14, 560, 131072, 32768, true, true, false, ""},
		{"lite", "image/jpeg", 14, 1120, 65536, 65536, true, true, false, ""},
		{"original", "image/png", 3, 1290, 32768, 32768, false, false, true, "2026-10-02"},
	} {
		e := lookup(t, want.model)
		got := want
		got.mime, got.images, got.imageIn, got.in, got.out = e.MIME, e.MaxImages, e.InputImageTokens, e.MaxInputTokens, e.MaxOutputTokens
		got.thinking, got.signs, got.omit, got.ends = e.Thinking, e.Signatures, e.OmitSize, e.Ends
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if e.Name == "" || e.BestFor == "" {
			t.Errorf("%s has no name or no word on what it is best for", e.ID)
		}
	}
}

func TestOldIDsKeepTheirEnd(t *testing.T) {
	t.Parallel()
	ends := map[plantain.Model]string{}
	for _, e := range gemini.DefaultCatalogue().Models() {
		for _, old := range e.Old {
			ends[old.ID] = old.Ends
		}
	}
	for id, want := range map[plantain.Model]string{
		"gemini-3.1-flash-image-preview": "2026-06-25",
		"gemini-3-pro-image-preview":     "2026-06-25",
		"nano-banana-pro-preview":        "",
		"gemini-2.5-flash-image-preview": "2026-01-15",
	} {
		if got, ok := ends[id]; !ok || got != want {
			t.Errorf("%s ends %q, want %q", id, got, want)
		}
	}
}

func TestEveryGroupOfFiguresHasASourceAndADate(t *testing.T) {
	t.Parallel()
	check := func(what string, s gemini.Source) {
		if s.From == "" || s.Date == "" {
			t.Errorf("%s: source %q, date %q", what, s.From, s.Date)
		}
	}
	for _, e := range gemini.DefaultCatalogue().Models() {
		s := e.Sources
		for what, source := range map[string]gemini.Source{
			"life": s.Life, "makes": s.Makes, "takes": s.Takes, "thinks": s.Thinks,
			"tokens": s.Tokens, "price": s.Price, "pixels": s.Pixels,
		} {
			check(string(e.ID)+" "+what, source)
		}
	}
	for _, tier := range []int{gemini.FreeTier, 1, 2, 3} {
		check(fmt.Sprint("tier ", tier), gemini.DefaultCatalogue().Limits(tier).Source)
	}
	if s := lookup(t, "lite").Sources.Price; !s.Claimed {
		t.Error("the price of Lite is only claimed")
	}
	if s := lookup(t, "nb2").Sources.Price; s.Claimed {
		t.Error("the price of Nano Banana 2 is Google's own")
	}
}

func TestLimitsOfATier(t *testing.T) {
	t.Parallel()
	for tier, want := range map[int]gemini.Limits{
		gemini.FreeTier: {},
		0:               {RPM: 10, IPM: 10, TPM: 1_000_000, RPD: 1000, Spend: 10 * plantain.Dollar}, // unknown: 1
		1:               {RPM: 10, IPM: 10, TPM: 1_000_000, RPD: 1000, Spend: 10 * plantain.Dollar},
		2:               {RPM: 30, IPM: 30, TPM: 1_000_000, RPD: 5000, Spend: 50 * plantain.Dollar},
		3:               {RPM: 60, IPM: 60, TPM: 1_000_000, RPD: 10_000, Spend: 200 * plantain.Dollar},
	} {
		got := gemini.DefaultCatalogue().Limits(tier)
		if !got.Source.Claimed {
			t.Errorf("tier %d is only claimed", tier)
		}
		got.Source = gemini.Source{}
		if got != want {
			t.Errorf("tier %d: %+v, want %+v", tier, got, want)
		}
	}
}

func TestCheckSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model      plantain.Model
		size, want string
	}{
		{"original", "4K", "gemini-2.5-flash-image makes 1K only; asked 4K"},
		{"original", "2k", "gemini-2.5-flash-image makes 1K only; asked 2k"},
		{"original", "1k", `size "1k": write 1K, with a capital K`},
		{"nb2", "2k", `size "2k": write 2K, with a capital K`},
		{"nb2", "512K", `size "512K": write 512, without a unit`},
		{"nb2", "0.5k", `size "0.5k": write 512, without a unit`},
		{"nb2", "8K", "gemini-3.1-flash-image makes 512, 1K, 2K and 4K; asked 8K"},
		{"nb2", "1024x1024", `size "1024x1024": write 1K`},
		{"pro", "512", "gemini-3-pro-image makes 1K, 2K and 4K; asked 512"},
		{"lite", "2K", "gemini-3.1-flash-lite-image makes 1K only; asked 2K"},
		{"pro", "4K", ""},
		{"pro", "", ""},
		{"original", "1K", ""},
	} {
		if got := text(lookup(t, c.model).CheckSize(c.size)); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.model, c.size, got, c.want)
		}
	}
}

func TestCheckRatio(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model       plantain.Model
		ratio, want string
	}{
		{"pro", "1:8", "gemini-3-pro-image takes the ratios 1:1, 2:3, 3:2, 3:4, 4:3, 4:5, 5:4, 9:16, 16:9 and 21:9; asked 1:8"},
		{"nb2", "16x9", `ratio "16x9": write 16:9, with a colon and no spaces`},
		{"nb2", "16 : 9", `ratio "16 : 9": write 16:9, with a colon and no spaces`},
		{"nb2", "1:8", ""},
		{"nb2", "", ""},
	} {
		if got := text(lookup(t, c.model).CheckRatio(c.ratio)); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.model, c.ratio, got, c.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestOverrideChangesWhatItNamesAndNothingElse(t *testing.T) {
	t.Parallel()
	before := gemini.DefaultCatalogue()
	after, err := before.Override([]byte(`
models:
  gemini-3.1-flash-image:
    dollars_per_million: {image: 59.5, source: our contract}
    tokens: {image: {2K: 1700}}
    aliases: [nb2, ours]
  gemini-9-image:
    name: Nine
    makes: {sizes: [1K], default_size: 1K, ratios: ["1:1"], pixels: gemini-2.5, mime: image/png}
    tokens: {input: 1, output: 2, image: {1K: 3}}
    dollars_per_million: {input: 1, text: 2, image: 3}
tiers:
  2: {rpm: 300}
service_percent: {flex: 60}
`))
	if err != nil {
		t.Fatal(err)
	}
	nb2, _ := after.Lookup("ours")
	if nb2.Price != (gemini.Price{Input: 500, Text: 3000, Image: 59_500}) || nb2.Sources.Price.From != "our contract" {
		t.Errorf("price %v from %q", nb2.Price, nb2.Sources.Price.From)
	}
	if nb2.ImageTokens("2K") != 1700 || nb2.ImageTokens("4K") != 2520 {
		t.Errorf("tokens %d and %d", nb2.ImageTokens("2K"), nb2.ImageTokens("4K"))
	}
	if _, ok := after.Lookup("nano-banana-2"); ok {
		t.Error("a list is replaced as a whole, but an old alias is still there")
	}
	if models := after.Models(); models[len(models)-1].ID != "gemini-9-image" {
		t.Errorf("the last model is %s", models[len(models)-1].ID)
	}
	if l := after.Limits(2); l.RPM != 300 || l.IPM != 30 {
		t.Errorf("limits %+v", l)
	}
	if after.ServicePercent("flex") != 60 || after.ServicePercent("batch") != 50 {
		t.Error("service percent")
	}
	if e, _ := before.Lookup("nb2"); e.Price.Image != 60_000 {
		t.Error("the catalogue below was changed")
	}
	again, err := after.Override([]byte("tiers: {2: {ipm: 7}}"))
	if err != nil {
		t.Fatal(err)
	}
	if l := again.Limits(2); l.RPM != 300 || l.IPM != 7 {
		t.Errorf("limits after a second override %+v", l)
	}
}

func TestAPriceChangesOnItsDay(t *testing.T) {
	t.Parallel()
	c, err := gemini.DefaultCatalogue().Override([]byte(`
models:
  gemini-3-pro-image:
    dollars_per_million:
      from:
        2026-12-01: {image: 100, source: the price page, date: 2026-11}
        2027-03-15: {input: 2.50, image: 90}
`))
	if err != nil {
		t.Fatal(err)
	}
	e, _ := c.Lookup("pro")
	for at, want := range map[string]gemini.Price{
		"2026-11-24T12:00:00Z": {Input: 2000, Text: 12_000, Image: 120_000},
		"2026-12-01T07:59:59Z": {Input: 2000, Text: 12_000, Image: 120_000}, // still November in California
		"2026-12-01T08:00:00Z": {Input: 2000, Text: 12_000, Image: 100_000},
		"2027-03-15T06:59:59Z": {Input: 2000, Text: 12_000, Image: 100_000},
		"2027-03-15T07:00:00Z": {Input: 2500, Text: 12_000, Image: 90_000}, // daylight saving time
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.At(instant).Price; got != want {
			t.Errorf("%s: %+v, want %+v", at, got, want)
		}
	}
	if other, _ := c.Lookup("nb2"); other.At(time.Now().AddDate(10, 0, 0)).Price != other.Price {
		t.Error("another model's price changed, too")
	}
}

func TestOverrideSaysWhereItIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ document, want string }{
		{"models:\n  gemini-3-pro-image:\n    prise: 1\n", `3:5: unknown key "prise"`},
		{"models:\n  gemini-3-pro-image:\n    tokens: {image: {1K: many}}\n", `3:26: "many" is not a whole number`},
		{"models:\n  gemini-3-pro-image:\n    makes: {default_size: 8K}\n", `3:13: gemini-3-pro-image: default_size "8K" is not one of its sizes`},
		{"models:\n  gemini-3-pro-image:\n    makes:\n      sizes: [1K, 512]\n", `2:3: gemini-3-pro-image: no output tokens for size 512`},
		{"models:\n  gemini-3-pro-image:\n    aliases: [nb2]\n", `2:3: gemini-3-pro-image: "nb2" already names gemini-3.1-flash-image`},
		{"models:\n  gemini-3-pro-image:\n    dollars_per_million: {image: -1}\n", `3:27: gemini-3-pro-image: image: "-1" is not an amount in dollars such as 0.50`},
		{"models:\n  gemini-3-pro-image:\n    dollars_per_million: {image: 0.0001}\n", `3:27: gemini-3-pro-image: image: 0.0001 dollars is finer than a nano-dollar a token`},
		{"models:\n  gemini-3-pro-image:\n    dollars_per_million: {from: {2026-13-01: {image: 1}}}\n", `3:34: from: "2026-13-01" is no day such as 2026-12-01`},
		{"models:\n  gemini-3-pro-image:\n    dollars_per_million: {from: {2026-12-01: {image: cheap}}}\n", `3:47: gemini-3-pro-image: image: "cheap" is not an amount in dollars such as 0.50`},
		{"models:\n  gemini-3-pro-image:\n    life: {ends: soon}\n", `3:12: "soon" is not a date such as 2026-10-02`},
		{"models:\n  gemini-3-pro-image:\n    thinks: {thinking: 5}\n", `3:24: "5" is not true or false`},
		{"models:\n  gemini-3-pro-image:\n    name: {a: b}\n", `3:11: "{" is not a text`},
		{"models:\n  new: {name: New}\n", `2:3: new: input is missing`},
		{"pixels:\n  gemini-3:\n    sizes:\n      1K: {\"1:1\": big}\n", `4:12: "big" is not a width and a height such as 1024x1024`},
		{"tiers:\n  4: {rpm: 1}\n", `2:3: tier "4"; tiers are free, 1, 2 and 3`},
		{"tiers:\n  1: {rpm: -1}\n", `2:3: tier 1: a limit below 0`},
		{"service_percent: {batch: 0}\n", `1:19: batch: 0 percent of the price; a whole number above 0 is meant`},
		{"- a\n", `1:1: a catalogue is a map with models, pixels, tiers and service_percent`},
		{"a: 1\n---\nb: 2\n", `1:1: more than one YAML document`},
		{"tiers: [\n", `1:8: sequence end token ']' not found`},
	} {
		_, err := gemini.DefaultCatalogue().Override([]byte(c.document))
		if got := text(err); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.document, got, c.want)
		}
		var at *gemini.CatalogueError
		if !errors.As(err, &at) {
			t.Errorf("%q: the error is %T", c.document, err)
		}
	}
	if _, err := gemini.DefaultCatalogue().Override(nil); err != nil {
		t.Errorf("an empty override: %v", err)
	}
}

func TestADraftIsTheCheapestSizeOfAModel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model            plantain.Model
		final            string
		draft, of, wrong string
	}{
		{"nb2", "", "512", "4K", ""},
		{"nb2", "1K", "512", "1K", ""},
		{"pro", "", "1K", "4K", ""},
		{"nb2.1", "2K", "1K", "2K", ""},
		{"nb2", "512", "", "", "nothing smaller than 512"},
		{"nb2", "8K", "", "", "asked 8K"},
		{"pro", "2K", "", "", "as much for 1K as for 2K"},
		{"lite", "", "", "", "makes 1K only"},
		{"original", "1K", "", "", "makes 1K only"},
	} {
		draft, of, err := lookup(t, c.model).Draft(c.final)
		if draft != c.draft || of != c.of || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s for %q: %q of %q, %v; want %+v", c.model, c.final, draft, of, err, c)
		}
	}
}
