package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genai"
)

// turns is how long the conversations of these tests are.
const turns = 10

// refused are the attempts that Google refused.
func (g *google) refused() (all []arrival) {
	for _, a := range g.arrivals("enerateContent") {
		if a.Status != 200 {
			all = append(all, a)
		}
	}
	return all
}

// A rawChat is a client of its own making: it sends the whole conversation with every
// turn, and keeps of the model's turns what it likes.
type rawChat struct {
	t        *testing.T
	gw       *process
	model    string
	config   map[string]any
	header   []string
	keep     func(parts []map[string]any) []map[string]any
	contents []map[string]any
	body     string // of the last request
}

func newChat(t *testing.T, gw *process, model string, keep func([]map[string]any) []map[string]any) *rawChat {
	config := map[string]any{"imageConfig": map[string]any{"imageSize": "512"}}
	if strings.Contains(model, "pro") || strings.Contains(model, "2.5") {
		config = nil
	}
	return &rawChat{t: t, gw: gw, model: model, config: config, keep: keep}
}

func (c *rawChat) say(text string) answer {
	c.t.Helper()
	c.contents = append(c.contents, map[string]any{"role": "user", "parts": []any{map[string]any{"text": text}}})
	request := map[string]any{"contents": c.contents}
	if c.config != nil {
		request["generationConfig"] = c.config
	}
	body, err := json.Marshal(request)
	if err != nil {
		c.t.Fatal(err)
	}
	c.body = string(body)
	a := c.gw.generate(c.model, c.body, c.header...)
	if a.StatusCode != 200 {
		c.t.Fatalf("%q: %s, healed by %q: %.600s", text, a.Status, a.Header.Get("Plantain-Healed"), a.body)
	}
	c.contents = append(c.contents, map[string]any{"role": "model", "parts": c.keep(partsOf(c.t, a.body))})
	return a
}

func partsOf(t *testing.T, body []byte) []map[string]any {
	t.Helper()
	var shape struct {
		Candidates []struct {
			Content struct{ Parts []map[string]any }
		}
	}
	if err := json.Unmarshal(body, &shape); err != nil || len(shape.Candidates) == 0 {
		t.Fatalf("%v: %.300s", err, body)
	}
	return shape.Candidates[0].Content.Parts
}

func nth(n int) string { return fmt.Sprintf("Change number %d of the fox", n) }

// each changes every part of a turn.
func each(change func(p map[string]any)) func([]map[string]any) []map[string]any {
	return func(parts []map[string]any) []map[string]any {
		for _, p := range parts {
			change(p)
		}
		return parts
	}
}

func drop(p map[string]any) { delete(p, "thoughtSignature") }

// recoded drops the signature and writes the picture's base64 in another way.
func recoded(as func(plain string) string) func([]map[string]any) []map[string]any {
	return each(func(p map[string]any) {
		drop(p)
		if picture, ok := p["inlineData"].(map[string]any); ok {
			picture["data"] = as(picture["data"].(string))
		}
	})
}

func inLines(text string) string {
	var b strings.Builder
	for line := range slices.Chunk([]byte(text), 76) {
		b.Write(line)
		b.WriteString("\r\n")
	}
	return b.String()
}

// Ways in which clients are known to lose signatures.
var losses = map[string]struct {
	model string
	keep  func([]map[string]any) []map[string]any
}{
	"the field is dropped":       {"nb2", each(drop)},
	"the field is empty":         {"nb2", each(func(p map[string]any) { p["thoughtSignature"] = "" })},
	"the field is null in snake": {"nb2", each(func(p map[string]any) { drop(p); p["thought_signature"] = nil })},
	"URL-safe, unpadded": {"nb2", recoded(func(plain string) string {
		return strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(plain)
	})},
	"unpadded":    {"nb2", recoded(func(plain string) string { return strings.TrimRight(plain, "=") })},
	"line breaks": {"nb2", recoded(inLines)},
	"a data URL":  {"nb2", recoded(func(plain string) string { return "data:image/jpeg;base64," + plain })},
	"Markdown in a text": {"pro", func(parts []map[string]any) []map[string]any {
		var text string
		for _, p := range parts {
			if said, ok := p["text"].(string); ok && p["thought"] == nil {
				text += said
			} else if picture, ok := p["inlineData"].(map[string]any); ok {
				text += fmt.Sprintf("\n\n![image](data:%s;base64,%s)\n", picture["mimeType"], picture["data"])
			}
		}
		return []map[string]any{{"text": text}}
	}},
	"another order": {"pro", func(parts []map[string]any) []map[string]any {
		slices.Reverse(parts)
		return each(drop)(parts)
	}},
	"words dropped": {"pro", func(parts []map[string]any) []map[string]any {
		return slices.DeleteFunc(each(drop)(parts), func(p map[string]any) bool { return p["text"] != nil })
	}},
	"thoughts dropped": {"pro", func(parts []map[string]any) []map[string]any {
		return slices.DeleteFunc(each(drop)(parts), func(p map[string]any) bool { return p["thought"] == true })
	}},
	"a part of its own in snake case": {"pro", func(parts []map[string]any) (all []map[string]any) {
		for _, p := range parts {
			signature := p["thoughtSignature"]
			drop(p)
			if all = append(all, p); signature != nil {
				all = append(all, map[string]any{"thought_signature": signature})
			}
		}
		return all
	}},
}

func TestConversationsOfTenTurnsOutliveEveryLoss(t *testing.T) {
	t.Parallel()
	for name, loss := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			seen := record(t, sim.URL)
			gw := startGateway(t, seen.URL, []string{"sim-3-a"})
			chat := newChat(t, gw, loss.model, loss.keep)
			if name == "thoughts dropped" {
				chat.config = map[string]any{"thinkingConfig": map[string]any{"includeThoughts": true}}
			}
			for n := range turns {
				a, want := chat.say(nth(n)), "memory"
				if n == 0 {
					want = ""
				}
				if got := a.Header.Get("Plantain-Healed"); got != want || a.Header.Get("Plantain-Attempts") != "1" {
					t.Errorf("turn %d was healed by %q, after %s attempts", n, got, a.Header.Get("Plantain-Attempts"))
				}
				if len(pictures(t, a)) != 1 {
					t.Errorf("turn %d brought no picture", n)
				}
			}
			if bad := sim.refused(); len(bad) > 0 {
				t.Errorf("Google refused %+v", bad)
			}
		})
	}
}

func pictures(t *testing.T, a answer) (all []map[string]any) {
	t.Helper()
	for _, p := range partsOf(t, a.body) {
		if p["inlineData"] != nil && p["thought"] == nil {
			all = append(all, p)
		}
	}
	return all
}

// A client that keeps pictures with Google sends a link, which tells nothing of the
// picture but where it stands in the conversation.
func TestAConversationOfFilesIsHealed(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a"})
	google, err := genai.NewClient(t.Context(), &genai.ClientConfig{APIKey: "sim-3-a", Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: sim.URL}})
	if err != nil {
		t.Fatal(err)
	}
	chat := newChat(t, gw, "nb2", each(func(p map[string]any) {
		drop(p)
		picture := p["inlineData"].(map[string]any)
		raw, err := base64.StdEncoding.DecodeString(picture["data"].(string))
		if err != nil {
			t.Fatal(err)
		}
		file, err := google.Files.Upload(t.Context(), bytes.NewReader(raw), &genai.UploadFileConfig{MIMEType: "image/jpeg"})
		if err != nil {
			t.Fatal(err)
		}
		delete(p, "inlineData")
		p["fileData"] = map[string]any{"mimeType": "image/jpeg", "fileUri": file.URI}
	}))
	for n := range turns {
		if a := chat.say(nth(n)); n > 0 && (a.Header.Get("Plantain-Healed") != "memory" || a.Header.Get("Plantain-Attempts") != "1") {
			t.Errorf("turn %d was healed by %q, after %s attempts", n, a.Header.Get("Plantain-Healed"), a.Header.Get("Plantain-Attempts"))
		}
	}
	if bad := sim.refused(); len(bad) > 0 {
		t.Errorf("Google refused %+v", bad)
	}
}

// What clients send as it must be arrives byte for byte, and so does what goes to a
// model that signs nothing.
func TestAConversationThatIsRightPassesUntouched(t *testing.T) {
	t.Parallel()
	for model, keep := range map[string]func([]map[string]any) []map[string]any{
		"gemini-3-pro-image":     each(func(map[string]any) {}),
		"gemini-3.1-flash-image": each(func(map[string]any) {}),
		"gemini-2.5-flash-image": each(drop),
	} {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			seen := record(t, sim.URL)
			gw := startGateway(t, seen.URL, []string{"sim-3-a"})
			chat := newChat(t, gw, model, keep)
			for n := range 4 {
				a := chat.say(nth(n))
				if got := seen.last(); string(got.body) != chat.body || a.Header.Get("Plantain-Healed") != "" {
					t.Errorf("turn %d: %d bytes arrived of %d, healed by %q", n, len(got.body), len(chat.body), a.Header.Get("Plantain-Healed"))
				}
			}
		})
	}
}

// Signatures are on the disk by the time a client has its answer, whatever becomes of
// the gateway after that.
func TestAKilledGatewayRemembersWhatTurnsCarried(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a"})
	chat := newChat(t, gw, "nb2", each(drop))
	for n := range turns {
		if a := chat.say(nth(n)); n > 0 && a.Header.Get("Plantain-Healed") != "memory" {
			t.Errorf("turn %d was healed by %q", n, a.Header.Get("Plantain-Healed"))
		}
		chat.gw.kill()
		chat.gw = start(t, gw.dir, nil, "serve", "--listen", "127.0.0.1:0")
	}
	if bad := sim.refused(); len(bad) > 0 {
		t.Errorf("Google refused %+v", bad)
	}
}

// With the memory wiped the placeholder carries a conversation, and where Google takes
// no placeholder, the flattening does.
func TestAConversationOutlivesItsMemory(t *testing.T) {
	t.Parallel()
	for signatures, want := range map[string]string{"on": "placeholder", "real": "flattened"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t, "--signatures", signatures)
			gw := startGateway(t, sim.URL, []string{"sim-3-a"})
			chat := newChat(t, gw, "nb2", each(drop))
			if want == "flattened" {
				chat = newChat(t, gw, "pro", each(drop))
			}
			for n := range turns {
				a := chat.say(nth(n))
				if got := a.Header.Get("Plantain-Healed"); n > 0 && got != want {
					t.Errorf("turn %d was healed by %q", n, got)
				}
				wipe(t, gw)
			}
			if bad := sim.refused(); want == "placeholder" && len(bad) > 0 || want == "flattened" && len(bad) != turns-1 {
				t.Errorf("Google refused %d: %+v", len(bad), bad)
			}
			if !strings.Contains(gw.output(), "healed="+want) {
				t.Error("the log does not tell of it")
			}
		})
	}
}

func wipe(t *testing.T, gw *process) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(gw.dir, "images", "signatures", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no signatures are kept: %v", err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNoClientGetsTheSignaturesOfAnother(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	seen := record(t, sim.URL)
	gw := startGateway(t, seen.URL, []string{"sim-3-a"})
	alice, bob := gw.plantain("keys", "create", "alice"), gw.plantain("keys", "create", "bob")
	var signatures []string
	chat := newChat(t, gw, "pro", each(func(p map[string]any) {
		if s, ok := p["thoughtSignature"].(string); ok {
			signatures = append(signatures, s)
		}
		drop(p)
	}))
	chat.header = []string{"x-goog-api-key", alice}
	chat.say(nth(0))
	given := func(body []byte) (n int) {
		for _, s := range signatures {
			n += strings.Count(string(body), s)
		}
		return n
	}
	before := slices.Clone(chat.contents)
	if a := chat.say(nth(1)); a.Header.Get("Plantain-Healed") != "memory" || given(seen.last().body) != 2 {
		t.Errorf("alice's own turn has %d of her signatures, healed by %q", given(seen.last().body), a.Header.Get("Plantain-Healed"))
	}
	// Bob has the very conversation of Alice.
	chat.contents, chat.header = before, []string{"x-goog-api-key", bob}
	if a := chat.say(nth(1)); a.Header.Get("Plantain-Healed") != "placeholder" || given(seen.last().body) != 0 {
		t.Errorf("bob's turn has %d of alice's signatures, healed by %q", given(seen.last().body), a.Header.Get("Plantain-Healed"))
	}
	// A new key of the same client is the same client.
	chat.contents, chat.header = before, []string{"x-goog-api-key", gw.plantain("keys", "rotate", "alice")}
	if a := chat.say(nth(1)); a.Header.Get("Plantain-Healed") != "memory" {
		t.Errorf("alice's rotated key is healed by %q", a.Header.Get("Plantain-Healed"))
	}
}

func TestGatewaysThatShareTheImagesFolderShareWhatTurnsCarried(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	folder := "images: file:" + t.TempDir()
	store := fmt.Sprintf("store: %q", startPostgres(t))
	gateways := []*process{
		startGateway(t, sim.URL, []string{"sim-3-a", "sim-3-b"}, store, folder),
		startGateway(t, sim.URL, []string{"sim-3-a", "sim-3-b"}, store, folder),
	}
	chat := newChat(t, gateways[0], "nb2", each(drop))
	for n := range turns {
		chat.gw = gateways[n%2]
		if a := chat.say(nth(n)); n > 0 && a.Header.Get("Plantain-Healed") != "memory" {
			t.Errorf("turn %d was healed by %q", n, a.Header.Get("Plantain-Healed"))
		}
	}
	asked := map[string]bool{}
	for _, a := range sim.arrivals("enerateContent") {
		asked[a.Project] = true
	}
	if bad := sim.refused(); len(bad) > 0 || len(asked) != 2 {
		t.Errorf("of projects %v Google refused %+v", asked, bad)
	}
}

// Google's own SDKs give back what they were given, but for the empty text that a
// stream may end on: the one for Go leaves it out and sends a signature of its own.
func TestGoSDKChatsForTenTurns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, model string
		stream      bool
		args        []string
	}{
		{"whole", "gemini-3-pro-image", false, nil},
		{"streamed", "gemini-3.1-flash-image", true, nil},
		{"streamed, the signature behind the picture", "gemini-3.1-flash-image", true, []string{"--late"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t, c.args...)
			gw := startGateway(t, sim.URL, []string{"sim-3-a"})
			chat, err := sdk(t, gw.URL).Chats.Create(t.Context(), c.model, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			for n := range turns {
				if got, err := sendTurn(t.Context(), chat, nth(n), c.stream); err != nil || got != 1 {
					t.Fatalf("turn %d brought %d pictures, %v", n, got, err)
				}
			}
			if bad := sim.refused(); len(bad) > 0 {
				t.Errorf("Google refused %+v", bad)
			}
		})
	}
}

// sendTurn gives how many pictures a turn brought.
func sendTurn(ctx context.Context, chat *genai.Chat, text string, stream bool) (n int, err error) {
	count := func(r *genai.GenerateContentResponse) {
		for _, c := range r.Candidates {
			if c.Content == nil {
				continue
			}
			for _, p := range c.Content.Parts {
				if p.InlineData != nil && !p.Thought {
					n++
				}
			}
		}
	}
	if !stream {
		r, err := chat.SendMessage(ctx, genai.Part{Text: text})
		if err == nil {
			count(r)
		}
		return n, err
	}
	for r, err := range chat.SendMessageStream(ctx, genai.Part{Text: text}) {
		if err != nil {
			return n, err
		}
		count(r)
	}
	return n, nil
}

func TestJSSDKChatsForTenTurns(t *testing.T) {
	t.Parallel()
	for _, scenario := range []string{"tenTurns", "tenTurnsStreamed", "tenTurnsUnsigned"} {
		for _, args := range [][]string{nil, {"--late"}} {
			t.Run(fmt.Sprint(scenario, args), func(t *testing.T) {
				t.Parallel()
				sim := startSim(t, args...)
				gw := startGateway(t, sim.URL, []string{"sim-3-a"})
				if r := js(t, gw.URL, scenario, ""); r.Error != nil || !slices.Equal(r.OK.Turns, slices.Repeat([]int{1}, turns)) {
					t.Errorf("%+v %+v", r.OK, r.Error)
				}
				if bad := sim.refused(); len(bad) > 0 {
					t.Errorf("Google refused %+v", bad)
				}
			})
		}
	}
}
