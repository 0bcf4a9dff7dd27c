package symptom

import (
	"slices"
	"strings"
	"testing"
)

// asked are words of people, by the row that they mean. People do not read the
// table before they ask, so none of these stands in it.
var asked = map[string][]string{
	"spinner": {
		"spinner never stops", "gemini has been loading for 10 minutes and no picture", "endless spinner",
		"nano banana just keeps spinning", "it loads and loads forever",
		"wheel is turning without end, image stays pending", "spiner wont stop", "gemini takes ages to make a picture",
		"Loading Nano Banana Pro... for half an hour", "image never finishes", "stuck at creating image",
		"it has been thinking for ten minutes", "so slow today", "too slow", "why is it slow", "generation is really too slow", "circle keeps turning", "image generation hangs",
		"nothing but a loading animation", "it takes forever to generate", "waiting 20 minutes for one image",
		"gemini shows the loading thing and nothing comes", "picture stays on loading",
		"image takes more than 15 minutes",
		"gemini keeps showing the loading animation", "image stays at generating forever", "it just spins",
		"images are really slow this evening", "slow response from the api", "requests are slow since this morning",
	},
	"overloaded": {
		"503", "503 UNAVAILABLE: The model is overloaded", "service is unavailable right now", "model overlaodedd",
		"getting a lot of 503s today", "google says high demand, spikes are temporary", "model overloaded",
		"The service is currently unavailable.", "google servers are busy", "code 503 from generativelanguage",
		"nano banana pro overloaded error", "UNAVAILABLE", "model is at capacity", "503 again and again",
		"server overload", "try again later, high demand", "we get 503 errors on nano banana pro",
		"model currently overloaded what now",
		"503 from google since an hour", "overloaded error on pro image", "high demand message",
	},
	"rate-limited": {
		"429", "http 429 too many requests", "RESOURCE_EXHAUSTED", "rate limits after 3 images per minute",
		"resource exhausted check quota", "I get throttled", "quota exceeded, check plan and billing details",
		"ratelimit error RPM", "Too Many Requests", "Gemini API HTTP 429,", "how do I fix rate limiting",
		"google.genai.errors.ClientError: 429 RESOURCE_EXHAUSTED", "quota error after ten pictures",
		"429 Too Many Requests from python", "we send 15 images a minute and get refused", "RPM limit",
		"ResourceExhausted exception", "per-minute quota hit", "code 429 what to do", "quota per minute exceeded",
		"hit the rate limit",
		"429 in my batch script", "exceeded quota message from the sdk", "how to avoid rate limit",
		"why am I being limited", "how do I raise my limits", "how to increase rate limit",
	},
	"daily-quota": {
		"429 for hours, rest of the day", "RPD exhausted", "api quota per day is used up",
		"when do the API limits reset at midnight", "429 PerDay", "daily api quota gone",
		"used up my 250 requests per day", "api quota resets when",
		"no more api requests until tomorrow", "day limit of the API", "RPD", "daily 429",
		"api daily limit hit", "how long until the daily quota is back",
		"requests per day limit reached api", "429 until midnight",
	},
	"no-free-tier": {
		"limit: 0", "429 quota limit 0 free tier", "never sent a request and quota is exceeded",
		"free_tier_requests, limit: 0, model: gemini-2.5-flash-preview-image", "free api key 429 on first call",
		"quota exceeded for metric generate_content_free_tier_requests limit 0", "brand new key 429",
		"is there a free tier for the api", "dashboard shows 0 usage but 429", "limit 0", "free tier quota 0 for images",
		"can I use the image API without billing", "limit: 0 on a fresh project", "free quota is zero",
		"it says limit: 0 but I have never called it", "do I need billing for the image api",
	},
	"billing": {
		"402", "monthly spending cap reached", "prepaid balance empty", "payment failed for my billing account",
		"BILLING_DISABLED", "project ran out of prepay money", "spending cap",
		"no more credit on my cloud billing account", "402 payment required", "exceeded its monthly spending cap",
		"out of prepaid credit 402", "spend cap", "billing is disabled on the project", "invoice unpaid",
		"credit balance is gone, 402", "hit my monthly cap",
		"spend limit reached", "prepay balance is zero 402",
	},
	"no-image": {
		"200 but no image", "response contains only text and no inline data", "NO_IMAGE", "got HTTP 200 with empty parts",
		"no image returned", "api returned text instead of a picture", "candidates[0].content.parts is undefined",
		"IMAGE_OTHER", "empty answer", "No image data returned", "response.parts has no inline_data",
		"model replied with a description only", "returns success without picture", "blank result",
		"finish reason STOP no picture", "MALFORMED_FUNCTION_CALL", "inlineData missing", "only text came back",
		"model talks but does not paint", "zero images in response", "finishReason: OTHER", "empty candidates",
		"200 status and no picture", "gemini api gives me text only", "where is the image in the response, parts empty",
		"response has no images", "200 but empty", "model answered with words only",
		"NoneType object is not iterable", "'NoneType' object has no attribute 'parts'", "TypeError: Cannot read properties of undefined",
		"list index out of range", "NoneType object is not subscriptable",
		"image failed", "image was not generated", "images fail at random", "half of my images fail",
	},
	"filtered": {
		"IMAGE_SAFETY", "image was blocked by the safety filter", "PROHIBITED_CONTENT", "blockReason: SAFETY",
		"finishReason IMAGE_PROHIBITED_CONTENT", "my harmless prompt gets censored", "violates content policy",
		"am I billed for blocked images", "image_saefty", "BLOCK_NONE ignored", "safety error", "finishReason: SAFETY",
		"prompt rejected as sensitive", "HARM_CATEGORY_DANGEROUS_CONTENT", "blockReason OTHER",
		"it thinks my prompt is nsfw", "charged for IMAGE_SAFETY?", "prompt blocked", "IMAGE_PROHIBITED_CONTENT",
		"safety settings off but still blocked", "filtered image", "policy violation", "image safety",
		"innocent prompt flagged as unsafe", "PROHIBITED_CONTENT although prompt is fine",
		"what does IMAGE_SAFETY mean", "my prompt was blocked for no reason", "filter blocked the image",
		"everything gets blocked", "who pays for a blocked image", "all my prompts are blocked today",
	},
	"recitation": {
		"IMAGE_RECITATION", "RECITATION", "says it resembles existing content", "copyrighted character, stopped",
		"finish reason recitation", "picture too similar to disney", "blocked as a copy of existing art",
		"finishReason RECITATION", "IMAGE_RECITATION what is it",
		"finishReason is RECITATION",
	},
	"bad-request": {
		"400", "400 bad request", "INVALID_ARGUMENT", "unknown name imageConfig cannot find field",
		"payload too large 413", "invalid json payload", "INVALID_ARGUMENT aspect ratio", "400 status",
		"bad json", "image too large to upload", "invalid argument",
		"unknown field in json", "why do I get a 400", "malformed request", "server answers 400 invalid argument",
		"field not found in json payload",
		"HTTP 400 from the api", "invalid json", "INVALID_ARGUMENT for imageSize",
	},
	"thought-signature": {
		"thought_signature missing", "thoughtSignature", "400 missing thought signature",
		"first image works, second edit in the conversation is a 400", "multi-turn edit fails", "corrupted signature",
		"Image part is missing a thought_signature", "chat editing breaks on second message with 400",
		"thought signature", "signature missing in second turn", "multi turn 400", "lost thought signatures",
		"second edit fails with signature error",
		"error about missing thought signatures", "editing again gives 400",
	},
	"bad-key": {
		"invalid api key", "401", "my api key does not work", "key leaked", "key has expired",
		"unauthorised, wrong key", "API key expired. Please renew the API key.", "authentication error",
		"where do I put my key, says invalid", "leaked key", "invalid key", "api key rejected", "credentials wrong",
		"401 unauthenticated", "key not valid", "please pass a valid API key",
		"my key is invalid", "401 from gemini", "api key expired",
	},
	"forbidden": {
		"403", "403 forbidden", "PERMISSION_DENIED", "SERVICE_DISABLED enable the generative language api",
		"API_KEY_HTTP_REFERRER_BLOCKED", "project suspended by google", "403 from vertex",
		"permission 'aiplatform.endpoints.predict' denied", "access denied with api key restrictions", "API not enabled",
		"referrer restriction", "service disabled", "consumer suspended", "403 permission error",
		"api is disabled in my project",
		"PERMISSION_DENIED on vertex", "403 for my api key", "api has been disabled",
	},
	"region": {
		"User location is not supported", "api blocked in my country", "FAILED_PRECONDITION location",
		"do I need a vpn for the api", "server in hong kong refused", "api not available in my region",
		"location not supported", "blocked in russia", "unsupported country", "not supported in my location",
		"api from china", "which countries can use the api", "user location not supported error",
		"api does not work from my country", "location is not supported",
	},
	"model-gone": {
		"404", "model not found", "gemini-3-pro-image-preview does not exist any more",
		"is not supported for generateContent", "deprecated model id",
		"models/gemini-2.5-flash-image-preview is not found for API version v1beta", "old model id retired",
		"404 not found", "NOT_FOUND", "preview id shut down", "wrong model id",
		"404 on gemini-3.1-flash-image-preview", "model is not found",
		"404 model", "the model id is not found", "preview model was retired",
	},
	"server-error": {
		"500", "500 INTERNAL", "an internl error occurrd",
		"Internal error encountered", "bad gateway", "error 500", "INTERNAL", "google had an internal failure 500", "502",
		"Internal Server Error 500 on every call",
		"500 from google", "internal error",
	},
	"timeout": {
		"504", "DEADLINE_EXCEEDED", "request times out after 60s", "httpx.ReadTimeout", "socket hang up", "timed out",
		"ECONNRESET", "499", "deadline exceeded", "requests.exceptions.ReadTimeout", "connection aborted",
		"gateway timeout 504", "timeout", "client gave up after 30 seconds", "socket closed", "DEADLINE",
		"my script times out", "504 gateway timeout",
		"request timed out", "deadline exceeded after a minute",
	},
	"cut-short": {
		"answer is truncated", "cut off in the middle", "max tokens",
		"response truncated", "token limit", "MAX_TOKENS no image", "it says max_tokens and no picture",
		"stopped with MAX_TOKENS", "response is cut off",
	},
	"low-quality": {
		"blurry images", "image quality is bad", "I asked for 4k but it is 1024x1024",
		"aspect ratio ignored, always square", "pixelated photo", "low resolution", "text in image is misspelled",
		"low-res output", "ugly hands", "size 2K ignored", "the picture looks fuzzy", "always 1024x1024", "cant get 16:9",
		"image does not follow the prompt", "letters are wrong in my poster", "bad resolution", "image is cropped",
		"bad pictures", "resolution", "blury image", "small image", "wrong format portrait instead of landscape",
		"not sharp", "image is grainy", "pics look terrible", "got 1K instead of 4K", "everything comes out square",
		"my image is blurred",
		"my pictures are blurry", "resolution too small", "wrong aspect ratio", "poor quality",
	},
	"black-image": {
		"image is black", "black image", "all images are black", "full black picture", "PIL.UnidentifiedImageError",
		"my png is broken", "saved jpeg is corrupt", "image file is corrupted", "transparent background becomes black",
		"comfyui black output", "file is damaged after saving",
	},
	"watermark": {
		"watermark", "remove the watermark", "sparkle in the corner of my image", "gemini logo on the picture", "SynthID", "star in the bottom right corner",
		"does the api add a watermark", "image has a watermark", "invisible watermark",
	},
	"which-model": {
		"nano banana 2 or pro", "which model is better for text", "difference between nb2 and pro", "NB2 vs Pro",
		"cheapest model", "what model should I use for drafts", "pro vs nano banana 2", "which should I choose",
		"what's the best model", "price comparison", "how much does an image cost", "cost per image", "price of 4k", "which one", "nb2 or pro", "is pro better", "compare models",
		"which nano banana is fastest", "should I take pro or 2", "difference pro 2",
		"nano banana 2 versus pro price",
	},
	"changed-face": {
		"it changed the face", "the face is different", "lost likeness", "keeps changing the face", "background changed too",
		"it edits more than I asked", "my face looks like someone else", "the person no longer resembles the photo",
		"how to keep the same character", "inconsistent character", "face not preserved", "edit altered the whole picture",
		"she looks like a different person", "identity is not kept", "how do I keep the face unchanged",
	},
	"expensive": {
		"why so expensive", "too expensive", "price too high", "bill is too high", "costs too much", "reduce costs", "my bill doubled",
		"charged twice", "it cost me more than expected", "how do I pay less for my pictures", "save money on images", "nano banana is so pricey",
		"overcharged for images", "unexpectedly high invoice", "expensive",
	},
	"charged-without": {
		"who pays for failed images", "do I pay when no image comes", "am I charged if the image fails", "charged but got no image",
		"will I be billed for failed requests", "do failed generations cost money", "does google charge for errors",
		"I was charged for an image I never got", "it failed but I was still billed", "billed although there was no image",
		"what does a failed attempt cost", "waste of money on failed pictures", "refund for failed image", "do retries cost money",
		"paid but no picture came back", "does my quota shrink when a request fails",
	},
	"app-daily-count": {
		"gemini app says daily limit reached", "you've reached your image limit for today",
		"how many pictures per day on pro plan", "come back tomorrow", "I'm on Plus and cannot make more images today",
		"limit resets tomorrow", "out of images for today", "how many images per day",
		"gemini: you have reached your limit", "Can't generate more images for you today", "daily image limit",
		"used all my images today", "plus plan limit per day", "limit reached try again tomorrow",
		"limit for today reached in app", "how many images per day with Plus",
		"gemini told me I hit today's image limit", "how many images can I make per day", "image quota in the app",
	},
	"app-wrong-model": {
		"wrong model selected", "the app uses Fast instead of Pro", "how to switch to nano banana in the gemini app",
		"model picker changed by itself", "app only describes image in thinking mode",
		"can't find where to choose nano banana pro", "gemini uses the fast model",
		"it switched to another model on its own", "selected the wrong model", "fast model instead of pro",
		"which mode do I select in the app", "gemini app chose another model",
		"app does not let me choose nano banana pro model, it picks fast",
		"app uses wrong model", "how do I select nano banana pro",
	},
	"app-greyed-out": {
		"pro is greyed out", "model grayed out", "nano banana button is gray", "cant click on pro", "grayed-out",
		"the create images button is locked", "nano banana pro grayed out", "option is grey", "button not clickable",
		"greyed", "grey out", "pro disabled in the menu", "cannot select pro it is gray",
		"nano banana greyed out in gemini", "model greyed",
		"why is nano banana pro greyed out", "gray button in gemini",
	},
	"app-refused": {
		"I cannot create that image", "gemini refuses my photo",
		"app won't draw a celebrity", "says against its guidelines in the app", "I'm just a language model",
		"works in the api but the app refuses", "i can not generate images of people", "app is stricter than api",
		"gemini says it can't help with that", "I'm unable to create images of that person", "refuses to edit my selfie",
		"gemini won't make a picture of trump", "Gemini says no to a harmless picture", "gemini refuses",
		"cannot create that image", "unable to help with that image", "won't do faces", "refused to draw my child",
		"I can not create this image for you", "gemini refuses to generate people",
		"gemini won't create my image", "it refuses to make pictures of people", "can't create that",
	},
	"app-stuck": {
		"app frozen", "gemini session stuck", "nothing happens when I press send on my phone",
		"something went wrong in the app", "need to log out and in again", "app keeps crashing on android",
		"stuck session", "gemini app not responding", "app hangs after sending", "something went wrong",
		"have to restart the app", "chat is broken on my iphone", "frozen", "app crashed", "reload does not help",
		"session hangs", "nothing happens", "gemini app is frozen on android", "app stuck, should I reinstall",
		"gemini app freezes", "app says something went wrong",
	},
	"app-credits": {
		"credits left but generation fails", "I have 500 credits and it failed", "credits remain",
		"did the failed picture take my credits", "flow generation failed", "AI credits left but fails",
		"lost credits for failed image", "credits",
		"generation failed but I have credits", "credit deducted but no image", "have credits but generation fails",
		"I have credits but no image", "my credits were deducted",
	},
	"app-free": {
		"free account no images", "do I have to pay to make images in gemini", "is it free", "gemini wants me to upgrade",
		"without a subscription", "can I use nano banana for free", "free plan no pictures", "why does gemini want money",
		"free", "do I need to pay", "free user", "is a subscription required", "no images on free account",
		"do free users get images",
		"is nano banana free", "free plan images",
	},
	"app-no-access": {
		"no access at all", "nano banana does not appear in my gemini", "image option missing",
		"school account can't create images", "not available on my workspace account",
		"not available in my region in the gemini app", "I am under 18", "no create image button",
		"my kid's account can't make images", "workspace admin disabled images", "no access",
		"cannot find nano banana anywhere", "missing option", "google workspace no images", "under age",
		"feature not available in my account", "nano banana missing from my account", "my school account has no images",
		"I don't see the image option", "teen account",
	},
}

func TestTheWordsOfPeopleLeadToTheRow(t *testing.T) {
	t.Parallel()
	for _, r := range Rows() {
		if len(asked[r.ID]) < 5 {
			t.Errorf("%s is asked for in %d ways; give it five", r.ID, len(asked[r.ID]))
		}
		for _, words := range asked[r.ID] {
			got := Find(words)
			if len(got) == 0 || got[0].ID != r.ID {
				t.Errorf("%q leads to %s, want %s", words, ids(got), r.ID)
			}
		}
	}
}

func TestTheIDOfARowLeadsToIt(t *testing.T) {
	t.Parallel()
	for _, r := range Rows() {
		if got := Find(r.ID); len(got) == 0 || got[0].ID != r.ID {
			t.Errorf("%s leads to %s", r.ID, ids(got))
		}
	}
}

// A table that is asked in its own words finds itself and shows nothing.
func TestTheWordsOfPeopleAreNotThoseOfTheTable(t *testing.T) {
	t.Parallel()
	for _, r := range Rows() {
		for _, own := range append([]string{r.Title}, r.See...) {
			if slices.ContainsFunc(asked[r.ID], func(words string) bool { return slices.Equal(split(words), split(own)) }) {
				t.Errorf("%s: the table has the very words %q", r.ID, own)
			}
		}
	}
}

func ids(ms []Match) string {
	var s []string
	for i, m := range ms {
		if i == 3 {
			break
		}
		s = append(s, m.ID+" by "+strings.Join(m.By, "+"))
	}
	return "[" + strings.Join(s, "; ") + "]"
}

func TestWordsThatFitNothingLeadNowhere(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"", "   ", "?!", "asdf qwer", "how do I bake banana bread", "weather in paris tomorrow afternoon", "the the the",
		"image", "gemini", "nano banana", "my printer is out of ink", "pizza with extra cheese", "12345", "кошка",
		"credit score of my neighbour's dog", "train timetable berlin hamburg", "best pizza in town",
		"how old is the president", "my car won't start", "free parking near me", "which way to the station",
		"reset my wifi router", "book a table for two", "school starts tomorrow", "small dog breeds",
		"lorem ipsum dolor sit amet", "a black cat on a white sofa", "black friday deals", "star wars poster", "photo of my cat", "draw a cat", "how tall is everest", "two tickets to rome",
		"buy a new phone", "red apple", "make me a sandwich", "football score today", "what time is it",
		"car insurance quote", "learn spanish fast",
		"best laptop for students", "how to tie a tie", "rainy day in london", "the cat sat on the mat", "flight to new york", "guitar chords", "my wife is angry", "stock market", "open a bank account",
		"phone battery low", "play some music", "translate hello", "cheap hotel", "recipe for soup", "what is love", "fix my bike", "who won the game", "math homework",
	} {
		if got := Find(words); got != nil {
			t.Errorf("%q leads to %s", words, ids(got))
		}
	}
}
