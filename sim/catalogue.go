package sim

import (
	"slices"
	"strings"
)

// model is one row of the catalogue. The figures are this package's own reading of Google's pages
// (gemini-api.md §0, §2, §3, §8), not a copy of anybody's table.
type model struct {
	id          string // the id that serves; reported as modelVersion
	aliases     []string
	display     string
	version     string
	inputLimit  int
	outputLimit int
	gemini3     bool // JPEG and signatures; false: PNG, no signatures (2.5)
	thinks      bool // thoughtsTokenCount is reported without asking
	thinksHigh  bool // thoughtsTokenCount only at thinkingLevel HIGH
	sizes       []string
	ratios      []string
	imageTokens map[string]int // output tokens by size
	inputImage  int            // tokens of one input image

	// Prices in nano-dollars per token: $0.50 per million is 500.
	inPrice, textPrice, imagePrice int64
}

var tenRatios = []string{"1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"}

// catalogue holds what Google serves. Lite's image price is not published: $30 per million is a guess
// (gemini-api.md §8 "not found"), its text prices are third-party figures. All of Nano Banana 2.1 is what third parties
// say (§0); its tokens at 2K and 4K are those that fit the prices per image which they name.
var catalogue = []*model{
	{
		id: "gemini-2.5-flash-image", display: "Nano Banana", version: "2.0",
		inputLimit: 32768, outputLimit: 32768,
		sizes: []string{"1K"}, ratios: tenRatios,
		imageTokens: map[string]int{"1K": 1290}, inputImage: 258,
		inPrice: 300, textPrice: 2500, imagePrice: 30000,
	},
	{
		id: "gemini-3-pro-image", aliases: []string{"gemini-3-pro-image-preview", "nano-banana-pro-preview"},
		display: "Nano Banana Pro", version: "3.0", inputLimit: 131072, outputLimit: 32768,
		gemini3: true, thinks: true,
		sizes: []string{"1K", "2K", "4K"}, ratios: tenRatios,
		imageTokens: map[string]int{"1K": 1120, "2K": 1120, "4K": 2000}, inputImage: 560,
		inPrice: 2000, textPrice: 12000, imagePrice: 120000,
	},
	{
		id: "gemini-3.1-flash-image", aliases: []string{"gemini-3.1-flash-image-preview"},
		display: "Nano Banana 2", version: "3.0", inputLimit: 65536, outputLimit: 65536,
		gemini3: true, thinksHigh: true,
		sizes:  []string{"512", "1K", "2K", "4K"},
		ratios: append(slices.Clone(tenRatios), "1:4", "4:1", "1:8", "8:1"),
		// The image guide prints 1120/2000 for 2K/4K; the price page's row fits the dollar prices.
		imageTokens: map[string]int{"512": 747, "1K": 1120, "2K": 1680, "4K": 2520}, inputImage: 1120,
		inPrice: 500, textPrice: 3000, imagePrice: 60000,
	},
	{
		id: "gemini-nano-banana-2.1", display: "Nano Banana 2.1", version: "3.0",
		inputLimit: 65536, outputLimit: 65536, gemini3: true, thinksHigh: true,
		sizes:       []string{"1K", "2K", "4K"},
		ratios:      append(slices.Clone(tenRatios), "1:4", "4:1", "1:8", "8:1"),
		imageTokens: map[string]int{"1K": 1120, "2K": 1680, "4K": 3780}, inputImage: 1120,
		inPrice: 1500, textPrice: 7500, imagePrice: 30000,
	},
	{
		id: "gemini-3.1-flash-lite-image", display: "Nano Banana 2 Lite", version: "3.0",
		inputLimit: 65536, outputLimit: 65536, gemini3: true,
		sizes: []string{"1K"}, ratios: tenRatios,
		imageTokens: map[string]int{"1K": 1120}, inputImage: 1120,
		inPrice: 250, textPrice: 1500, imagePrice: 30000,
	},
}

// listed is the order of ListModels: every id a client may name.
func listed() []string {
	var ids []string
	for _, m := range catalogue {
		ids = append(append(ids, m.aliases...), m.id)
	}
	return ids
}

// findModel returns the model an id or alias names, nil for none.
func findModel(id string) *model {
	for _, m := range catalogue {
		if m.id == id || slices.Contains(m.aliases, id) {
			return m
		}
	}
	return nil
}

// Pixels at 1K (gemini-api.md §3). 2K and 4K are exactly two and four times that.
var pixels1K = map[string][2]int{
	"1:1": {1024, 1024}, "1:4": {512, 2048}, "1:8": {384, 3072}, "2:3": {848, 1264}, "3:2": {1264, 848},
	"3:4": {896, 1200}, "4:1": {2048, 512}, "4:3": {1200, 896}, "4:5": {928, 1152}, "5:4": {1152, 928},
	"8:1": {3072, 384}, "9:16": {768, 1376}, "16:9": {1376, 768}, "21:9": {1584, 672},
}

// Pixels at 512. 21:9 is printed as 792x168, which is no 21:9: 792x336 is inferred.
var pixels512 = map[string][2]int{
	"1:1": {512, 512}, "1:4": {256, 1024}, "1:8": {192, 1536}, "2:3": {424, 632}, "3:2": {632, 424},
	"3:4": {448, 600}, "4:1": {1024, 256}, "4:3": {600, 448}, "4:5": {464, 576}, "5:4": {576, 464},
	"8:1": {1536, 192}, "9:16": {384, 688}, "16:9": {688, 384}, "21:9": {792, 336},
}

// Pixels of gemini-2.5-flash-image, which has a table of its own.
var pixels25 = map[string][2]int{
	"1:1": {1024, 1024}, "2:3": {832, 1248}, "3:2": {1248, 832}, "3:4": {864, 1184}, "4:3": {1184, 864},
	"4:5": {896, 1152}, "5:4": {1152, 896}, "9:16": {768, 1344}, "16:9": {1344, 768}, "21:9": {1536, 672},
}

// pixels returns width and height of a picture; zeros for what the model has not got.
func (m *model) pixels(size, ratio string) (w, h int) {
	if !slices.Contains(m.sizes, size) || !slices.Contains(m.ratios, ratio) {
		return 0, 0
	}
	table, times := pixels1K, 1
	switch {
	case !m.gemini3:
		table = pixels25
	case size == "512":
		table = pixels512
	case size == "2K":
		times = 2
	case size == "4K":
		times = 4
	}
	return table[ratio][0] * times, table[ratio][1] * times
}

// nearestRatio returns the supported ratio nearest to w:h, as Google does for an edit without aspectRatio.
func (m *model) nearestRatio(w, h int) string {
	best, off := "1:1", 1e9
	for _, r := range m.ratios {
		rw, rh := m.pixels(m.sizes[len(m.sizes)-1], r)
		q := float64(w) * float64(rh) / (float64(h) * float64(rw))
		if q < 1 {
			q = 1 / q
		}
		if q < off {
			best, off = r, q
		}
	}
	return best
}

func (m *model) mime() string {
	if m.gemini3 {
		return "image/jpeg"
	}
	return "image/png"
}

// entry is one model of ListModels (gemini-api.md §0 [mar-W]).
type entry struct {
	Name             string   `json:"name"`
	Version          string   `json:"version"`
	DisplayName      string   `json:"displayName"`
	Description      string   `json:"description"`
	InputTokenLimit  int      `json:"inputTokenLimit"`
	OutputTokenLimit int      `json:"outputTokenLimit"`
	Methods          []string `json:"supportedGenerationMethods"`
	Temperature      float64  `json:"temperature"`
	TopP             float64  `json:"topP"`
	TopK             int      `json:"topK"`
	MaxTemperature   float64  `json:"maxTemperature"`
	Thinking         bool     `json:"thinking,omitempty"`
}

// entry describes the model under one of its ids. Streaming is not listed although it works.
func (m *model) entry(id string) entry {
	name := m.display
	if strings.HasSuffix(id, "-preview") {
		name += " (Preview)"
	}
	return entry{
		Name: "models/" + id, Version: m.version, DisplayName: name, Description: name,
		InputTokenLimit: m.inputLimit, OutputTokenLimit: m.outputLimit,
		Methods:     []string{"generateContent", "countTokens", "batchGenerateContent"},
		Temperature: 1, TopP: .95, TopK: 64, MaxTemperature: 1, Thinking: m.gemini3,
	}
}
