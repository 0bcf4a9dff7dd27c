package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/genai"
)

// withPicture is a request with a picture, as long as every other one: they differ in
// a pixel in the middle.
func withPicture(t *testing.T, middle byte) string {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 300, 300))
	picture.Pix[150*300+150] = middle
	var data bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&data, picture); err != nil {
		t.Fatal(err)
	}
	return `{"contents":[{"parts":[{"text":"Make it blue"},{"inlineData":{"mimeType":"image/png","data":"` + base64.StdEncoding.EncodeToString(data.Bytes()) + `"}}]}]}`
}

// spared reports an answer that nothing was sent for.
func (a answer) spared() bool {
	return a.Header.Get("Plantain-Attempts") == "0" && a.Header.Get("Plantain-Cost-Usd") == "0.000" && strings.Contains(string(a.body), "Plantain did not send it again")
}

type filteredAnswer struct {
	Candidates []struct{ FinishReason, FinishMessage string }
	Feedback   struct{ BlockReason, BlockReasonMessage string } `json:"promptFeedback"`
	Details    []struct {
		Domain, Reason string
		Metadata       map[string]string
	}
}

func TestWhatWasFilteredIsRefusedBeforeItCostsAgain(t *testing.T) {
	t.Parallel()
	for fault, c := range map[string]struct {
		class, reason string
		sent          int // before it is refused
	}{
		"safety_image":        {"safety_image", "IMAGE_SAFETY", 1},
		"safety_image_silent": {"safety_image", "IMAGE_SAFETY", 1},
		"safety_prompt":       {"safety_prompt", "", 1},
		"recitation":          {"recitation", "", 3}, // most pass the second time
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			sim.fault(always(fault))
			gw := startGateway(t, sim.URL, []string{"sim-3-a"})
			var theirs answer
			for range c.sent {
				if theirs = gw.generate(nb2, prompt); theirs.Header.Get("Plantain-Verdict") != c.class || theirs.Header.Get("Plantain-Attempts") != "1" {
					t.Fatalf("got %d %v: %s", theirs.StatusCode, theirs.Header, theirs.body)
				}
			}
			bill := sim.billed()
			ours := gw.generate(nb2, prompt)
			if !ours.spared() || ours.StatusCode != theirs.StatusCode || ours.Header.Get("Plantain-Verdict") != c.class {
				t.Fatalf("asked again it got %d %v: %s", ours.StatusCode, ours.Header, ours.body)
			}
			if n := len(sim.arrivals(":generateContent")); n != c.sent || sim.billed() != bill {
				t.Errorf("%d calls reached Google, want %d", n, c.sent)
			}
			// It is in the shape of the one before, with why, when, for how much and what to do.
			var then, now filteredAnswer
			if err := json.Unmarshal(theirs.body, &then); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(ours.body, &now); err != nil {
				t.Fatal(err)
			}
			if len(now.Candidates) != len(then.Candidates) || now.Feedback.BlockReason != then.Feedback.BlockReason || len(now.Details) != 1 {
				t.Fatalf("it was %s and is %s", theirs.body, ours.body)
			}
			said := now.Feedback.BlockReasonMessage
			if len(now.Candidates) == 1 {
				said = now.Candidates[0].FinishMessage
				if now.Candidates[0].FinishReason != then.Candidates[0].FinishReason {
					t.Errorf("the reason was %s and is %s", then.Candidates[0].FinishReason, now.Candidates[0].FinishReason)
				}
			}
			d := now.Details[0].Metadata
			cost := theirs.Header.Get("Plantain-Cost-Usd")
			if c.sent > 1 {
				cost = d["filtered_cost_usd"] // of all of them
			}
			for _, want := range []string{d["filtered_at"], "for $" + cost, "Plantain-Force: filtered", theirs.Header.Get("Plantain-Request-Id")} {
				if want == "" || !strings.Contains(said, want) {
					t.Errorf("it does not say %q: %s", want, said)
				}
			}
			if now.Details[0].Domain != "plantain" || d["verdict"] != c.class || d["charged"] != "no" || d["next"] == "" || d["filtered_cost_usd"] == "" || d["filtered_times"] != fmt.Sprint(c.sent) {
				t.Errorf("the detail is %+v", now.Details)
			}
			if at, err := time.Parse(time.RFC3339, d["filtered_at"]); err != nil || time.Since(at) > time.Minute {
				t.Errorf("filtered at %q", d["filtered_at"])
			}
			if e := explain(t, string(ours.body), "--status", "200"); e.Class != c.class || e.Charged != false {
				t.Errorf("explain takes it for %+v", e)
			}
			// Who wants it all the same may have it; what comes through is forgotten.
			force := func() answer { return gw.generate(nb2, prompt, "Plantain-Force", "filtered") }
			if a := force(); a.Header.Get("Plantain-Attempts") != "1" || a.Header.Get("Plantain-Verdict") != c.class {
				t.Errorf("forced it got %v", a.Header)
			}
			sim.reset()
			if a := gw.generate(nb2, prompt); !a.spared() {
				t.Errorf("after it was forced it got %d", a.StatusCode)
			}
			if a := force(); a.StatusCode != 200 || a.Header.Get("Plantain-Verdict") != "success" {
				t.Errorf("forced it got %v", a.Header)
			}
			if a := gw.generate(nb2, prompt); a.Header.Get("Plantain-Verdict") != "success" {
				t.Errorf("after it came through it got %v", a.Header)
			}
		})
	}
}

// reset takes all faults back.
func (g *google) reset() {
	g.t.Helper()
	res, err := http.Post(g.URL+"/sim/reset", "", nil)
	if err != nil {
		g.t.Fatal(err)
	}
	res.Body.Close()
}

// What is remembered is one content of one client for one model.
func TestWhatDiffersFromWhatWasFilteredIsSent(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a"})
	alice, bob := gw.plantain("keys", "create", "alice", "--budget-usd", "10", "--rpm", "99"), gw.plantain("keys", "create", "bob")
	ask := func(key, model, body string) answer { return gw.generate(model, body, "x-goog-api-key", key) }
	for _, body := range []string{prompt, withPicture(t, 1)} {
		sim.fault(next("safety_image", 1))
		if a := ask(alice, nb2, body); a.Header.Get("Plantain-Verdict") != "safety_image" {
			t.Fatalf("got %d", a.StatusCode)
		}
	}
	before := gw.limitsOf(alice)
	for name, c := range map[string]struct {
		key, model, body string
		spared           bool
	}{
		"the same":                   {alice, nb2, prompt, true},
		"the same under an old name": {alice, "gemini-3.1-flash-image-preview", prompt, true},
		"the same with a picture":    {alice, nb2, withPicture(t, 1), true},
	} {
		if a := ask(c.key, c.model, c.body); a.spared() != c.spared {
			t.Errorf("%s got %d %v", name, a.StatusCode, a.Header)
		}
	}
	if after := gw.limitsOf(alice); after["budget_total"] != before["budget_total"] || after["requests_per_minute"].Used != before["requests_per_minute"].Used {
		t.Errorf("it took of the budget: %+v, then %+v", before, after)
	}
	for name, c := range map[string]struct{ key, model, body string }{
		"another client":  {bob, nb2, prompt},
		"another model":   {alice, pro, prompt},
		"another prompt":  {alice, nb2, strings.Replace(prompt, "red", "fed", 1)},
		"another picture": {alice, nb2, withPicture(t, 2)},
		"another size":    {alice, nb2, sized("2K")},
	} {
		if a := ask(c.key, c.model, c.body); a.StatusCode != 200 || a.Header.Get("Plantain-Verdict") != "success" {
			t.Errorf("%s got %d %v: %.300s", name, a.StatusCode, a.Header, a.body)
		}
	}
}

func TestWhatWasFilteredIsRememberedThroughAKillAndByOtherGateways(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]func(*testing.T) string{
		"SQLite":     func(*testing.T) string { return "sqlite:plantain.db" },
		"PostgreSQL": startPostgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			dir := t.TempDir()
			line := fmt.Sprintf("store: %q", store(t))
			writeConfig(t, dir, sim.URL, []string{"sim-3-a"}, line)
			gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
			if name == "PostgreSQL" {
				other := startGateway(t, sim.URL, []string{"sim-3-a"}, line)
				defer func() {
					sim.fault(always("bad_request")) // an image would have it forgotten
					waitFor(t, "the other gateway to know", func() bool {
						time.Sleep(time.Second) // it looks every three
						return other.generate(nb2, prompt).spared()
					})
				}()
			}
			sim.fault(next("safety_prompt", 1))
			gw.generate(nb2, prompt)
			gw.kill()
			gw = start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
			if a := gw.generate(nb2, prompt); !a.spared() {
				t.Errorf("after a kill it got %d %v", a.StatusCode, a.Header)
			}
		})
	}
}

func TestWhatWasFilteredIsForgottenInTimeOrNotRemembered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config string
		sent   bool
	}{
		"for a minute": {"retention: {filtered: 60s}", true},
		"for a day":    {"retention: {filtered: 24h}", false},
		"for ever":     {"retention: {filtered: unlimited, idempotency: unlimited, idempotency_max: unlimited}", false},
		"not at all":   {"retention: {filtered: 0s}", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			dir := t.TempDir()
			writeConfig(t, dir, sim.URL, []string{"sim-3-a"}, c.config)
			gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0", "--clock-rate", "20")
			sim.fault(next("safety_image", 1))
			begun := time.Now()
			gw.generate(nb2, prompt)
			if strings.HasSuffix(c.config, "0s}") && !strings.Contains(c.config, "60s") {
				if a := gw.generate(nb2, prompt); a.spared() {
					t.Error("it is remembered")
				}
				return
			}
			if a := gw.generate(nb2, prompt); !a.spared() && (!c.sent || time.Since(begun) < 3*time.Second) {
				t.Errorf("at once it got %v", a.Header)
			}
			time.Sleep(3100 * time.Millisecond) // a minute of the gateway's clock
			if a := gw.generate(nb2, prompt); a.spared() == c.sent {
				t.Errorf("a minute later it got %v", a.Header)
			}
		})
	}
}

func TestAStreamThatWasFilteredIsSparedAsAStream(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a"})
	sim.fault(next("safety_image", 1))
	gw.generate(nb2, prompt)
	for query, c := range map[string]struct{ mime, begins, ends string }{
		"?alt=sse": {"text/event-stream", `data: {"candidates":[`, "}\r\n\r\n"},
		"":         {"application/json; charset=UTF-8", `[{"candidates":[`, "]\r\n"},
	} {
		a := gw.ask(http.MethodPost, "/v1beta/models/"+nb2+":streamGenerateContent"+query, prompt)
		if a.StatusCode != 200 || a.Header.Get("Content-Type") != c.mime || !strings.HasPrefix(string(a.body), c.begins) || !strings.HasSuffix(string(a.body), c.ends) {
			t.Errorf("%q got %d %v: %q", query, a.StatusCode, a.Header, a.body)
		}
	}
	client := sdk(t, gw.URL)
	sim.fault(next("safety_image", 1))
	for i := range 2 {
		got, err := client.Models.GenerateContent(t.Context(), nb2, genai.Text("A blue pear"), nil)
		if err != nil || len(got.Candidates) != 1 || got.Candidates[0].FinishReason != genai.FinishReasonImageSafety {
			t.Errorf("%d: the SDK has %+v, %v", i, got.Candidates[0], err)
		}
	}
	for got, err := range client.Models.GenerateContentStream(t.Context(), nb2, genai.Text("A blue pear"), nil) {
		if err != nil || len(got.Candidates) != 1 || got.Candidates[0].FinishReason != genai.FinishReasonImageSafety {
			t.Errorf("streamed the SDK has %+v, %v", got, err)
		}
	}
	if n := len(sim.arrivals("ontent")); n != 2 {
		t.Errorf("%d calls reached Google, want 2", n)
	}
}
