package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/genai"
)

// A conversation is one of /api/v1/threads.
type conversation struct {
	ID, Client, Prompt string
	Cost               struct {
		Low int64 `json:"low_nanodollars"`
	}
	Turns []struct {
		Request, Continues, Prompt string
		Asked                      string `json:"size_asked"`
		Draft                      string `json:"draft_for"`
		Final                      bool
		Given                      int `json:"images_given"`
		Images                     []kept
	}
}

// conversations gives those that a key sees, the last one first.
func (p *process) conversations(header ...string) []conversation {
	p.t.Helper()
	var got struct{ Threads []conversation }
	a := p.ask(http.MethodGet, "/api/v1/threads", "", header...)
	if err := json.Unmarshal(a.body, &got); err != nil || a.StatusCode != 200 {
		p.t.Fatalf("%d %v: %s", a.StatusCode, err, a.body)
	}
	return got.Threads
}

func TestTheChatOfAnUnmodifiedSDKIsOneThread(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	gw := serve(t, dir)
	turns := []string{"A red apple on a white background", "Make the background blue", "Add a green leaf"}
	for range 2 { // two chats about the same
		chat, err := sdk(t, gw.URL).Chats.Create(t.Context(), nb2, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range turns {
			if _, err := chat.SendMessage(t.Context(), genai.Part{Text: text}); err != nil {
				t.Fatal(err)
			}
		}
	}
	threads := gw.conversations()
	if len(threads) != 2 {
		t.Fatalf("%d threads, want 2: %+v", len(threads), threads)
	}
	if threads[0].Cost.Low+threads[1].Cost.Low != sim.billed() {
		t.Errorf("they cost %d and %d, on the bill are %d", threads[0].Cost.Low, threads[1].Cost.Low, sim.billed())
	}
	for _, c := range threads {
		before := ""
		for n, turn := range c.Turns {
			if turn.Prompt != turns[n] || turn.Continues != before || len(turn.Images) != 1 {
				t.Errorf("turn %d is %+v, after %q", n+1, turn, before)
			}
			before = turn.Request
		}
		if len(c.Turns) != 3 || c.ID != c.Turns[0].Request {
			t.Errorf("thread %s has %d turns", c.ID, len(c.Turns))
		}
	}
	id, image := threads[0].ID, threads[0].Turns[2].Images[0].ID
	for _, how := range []string{"running", "stopped"} {
		if how == "stopped" {
			gw.interrupt()
		}
		list := gw.plantain("thread")
		if !strings.Contains(list, id) || strings.Count(list, turns[0]) != 2 || strings.Contains(list, turns[1]) {
			t.Errorf("%s: the list is\n%s", how, list)
		}
		for _, name := range []string{id, image, image[:len(image)-3], "last"} {
			shown := gw.plantain("thread", "show", name)
			if !strings.Contains(shown, "thread "+id) || !strings.Contains(shown, turns[2]) || !strings.Contains(shown, filepath.Join("images", "gallery", image)) {
				t.Errorf("%s: %s shows\n%s", how, name, shown)
			}
		}
		var got conversation
		if err := json.Unmarshal([]byte(gw.plantain("thread", "show", "last", "-o", "json")), &got); err != nil || got.ID != id || len(got.Turns) != 3 {
			t.Errorf("%s: got %+v, %v", how, got, err)
		}
	}
}

func TestAThreadIsItsClientsOwn(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	alice, bob, boss := gw.plantain("keys", "create", "alice"), gw.plantain("keys", "create", "bob"), gw.plantain("keys", "create", "boss", "--admin")
	gw.generate(flash, prompt, "x-goog-api-key", alice)
	hers := gw.conversations("x-goog-api-key", alice)[0].ID
	for key, want := range map[string]int{alice: 200, bob: 404, boss: 200} {
		for _, name := range []string{hers, "last"} {
			if a := gw.ask(http.MethodGet, "/api/v1/threads/"+name, "", "x-goog-api-key", key); a.StatusCode != want {
				t.Errorf("%s: got %d, want %d", name, a.StatusCode, want)
			}
		}
	}
	if n := len(gw.conversations("x-goog-api-key", bob)); n != 0 {
		t.Errorf("bob sees %d", n)
	}
	if a := gw.ask(http.MethodGet, "/api/v1/threads?client=alice", "", "x-goog-api-key", bob); strings.Contains(string(a.body), hers) {
		t.Errorf("bob asked for alice's and got %s", a.body)
	}
	if n := len(gw.conversations("x-goog-api-key", boss)); n != 1 {
		t.Errorf("boss sees %d", n)
	}
}

func TestPromptsAreKeptUnlessTheConfigurationSaysNot(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	for _, keep := range []string{"true", "false"} {
		dir := t.TempDir()
		writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, "retention: {prompts: "+keep+"}")
		gw := serve(t, dir)
		gw.generate(flash, prompt)
		shown := gw.plantain("thread", "show", "last")
		gw.interrupt()
		kept := strings.Contains(shown, "A red apple")
		files, _ := filepath.Glob(filepath.Join(dir, "plantain.db*"))
		for _, f := range files {
			text, err := os.ReadFile(f)
			kept = kept || err == nil && strings.Contains(string(text), "A red apple")
		}
		if kept != (keep == "true") {
			t.Errorf("prompts: %s: kept is %t: %s", keep, kept, shown)
		}
	}
}

// However a client writes down what it got, the picture is the same.
func TestAThreadIsKnownByItsPictureHoweverItComesBack(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-2-a"})
	first := gw.generate(nb2, prompt)
	picture := pictureIn(t, first)
	text := base64.StdEncoding.EncodeToString(picture)
	turns := func(role, part string) string {
		return `{"contents":[{"role":"user","parts":[{"text":"A red apple"}]},{"role":"` + role + `","parts":[` + part + `]},{"role":"user","parts":[{"text":"Add a leaf"}]}]}`
	}
	for name, c := range map[string]struct {
		body string
		same bool
	}{
		"as it came":            {turns("model", `{"inlineData":{"mimeType":"image/jpeg","data":"`+text+`"}}`), true},
		"URL-safe and unpadded": {turns("model", `{"inline_data":{"mime_type":"image/jpeg","data":"`+base64.RawURLEncoding.EncodeToString(picture)+`"}}`), true},
		"as a data URL":         {turns("model", `{"text":"Here: ![apple](data:image/jpeg;base64,`+text+`)"}`), true},
		"given by the user":     {turns("user", `{"inlineData":{"mimeType":"image/jpeg","data":"`+text+`"}}`), false},
	} {
		a := gw.generate(nb2, c.body)
		if a.StatusCode != 200 {
			t.Errorf("%s: got %d %.300s", name, a.StatusCode, a.body)
			continue
		}
		var got conversation
		id := a.Header.Get("Plantain-Request-Id")
		gw.get("/api/v1/threads/"+id, &got)
		if same := got.ID == first.Header.Get("Plantain-Request-Id"); same != c.same || got.Turns[len(got.Turns)-1].Request != id {
			t.Errorf("%s: it is of the thread %s", name, got.ID)
		}
	}
}
