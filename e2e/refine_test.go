package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// asked is a request for a picture as Google sees it.
type asked struct {
	Contents []struct {
		Role  string
		Parts []struct {
			Text       string
			InlineData *struct{ MimeType, Data string }
			Signature  string `json:"thoughtSignature"`
		}
	}
	GenerationConfig struct {
		ImageConfig struct{ ImageSize, AspectRatio string }
	}
	model string
}

// asked is the last request that arrived.
func (r *recorder) asked(t *testing.T) (a asked) {
	t.Helper()
	last := r.last()
	if err := json.Unmarshal(last.body, &a); err != nil {
		t.Errorf("%v: %.300s", err, last.body)
	}
	a.model = strings.TrimSuffix(filepath.Base(last.path), ":generateContent")
	return a
}

// turns tells a request as text: the role of each turn, its texts, and its pictures by
// what name gives for their bytes.
func (a asked) turns(t *testing.T, name map[string]string) string {
	t.Helper()
	var b strings.Builder
	for _, turn := range a.Contents {
		b.WriteString(turn.Role + ":")
		for _, p := range turn.Parts {
			if p.InlineData == nil {
				b.WriteString(" " + p.Text)
				continue
			}
			data, err := base64.StdEncoding.DecodeString(p.InlineData.Data)
			if err != nil {
				t.Error(err)
			}
			b.WriteString(" <" + name[string(data)] + ">")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// generated is what plantain generate -o json prints.
type generated struct {
	Path, Request, Healed string
	Width, Height         int
	Notes                 []string
	Draft                 *struct {
		For  string
		Cost *struct {
			Low int64 `json:"low_nanodollars"`
		} `json:"final_cost"`
		Why     string
		Command string `json:"final_command"`
	}
}

// A studio is where somebody works with plantain generate.
type studio struct {
	t    *testing.T
	dir  string
	made map[string]string // the names of files by their bytes
}

func (s *studio) generate(args ...string) generated {
	s.t.Helper()
	stdout, stderr, code := run(s.t, s.dir, nil, append([]string{"generate", "-o", "json"}, args...)...)
	if code != 0 {
		s.t.Fatalf("generate %q: exit %d: %s%s", args, code, stdout, stderr)
	}
	var g generated
	if err := json.Unmarshal([]byte(stdout), &g); err != nil {
		s.t.Fatal(err)
	}
	picture, err := os.ReadFile(filepath.Join(s.dir, g.Path))
	if err != nil {
		s.t.Fatal(err)
	}
	s.made[string(picture)] = g.Path
	return g
}

// drafting gives what drafts saved, in nano-dollars.
func (s *studio) drafting() int64 {
	s.t.Helper()
	var got struct {
		Periods []struct {
			Saved []struct {
				Reason string
				Cost   struct {
					Low int64 `json:"low_nanodollars"`
				}
			}
		}
	}
	stdout, stderr, _ := run(s.t, s.dir, nil, "spend", "-o", "json", "--last", "2d")
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Periods) != 1 {
		s.t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	for _, saved := range got.Periods[0].Saved {
		if saved.Reason == "draft" {
			return saved.Cost.Low
		}
	}
	return 0
}

// refused gives what generate says where it does not.
func (s *studio) refused(args ...string) string {
	s.t.Helper()
	stdout, stderr, code := run(s.t, s.dir, nil, append([]string{"generate"}, args...)...)
	if code == 0 {
		s.t.Errorf("generate %q: it made %s", args, stdout)
	}
	return stderr
}

// tinyPNG is a picture that Plantain never made.
func tinyPNG(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// byBoth runs a test where generate does it all by itself, and where a gateway does.
func byBoth(t *testing.T, test func(t *testing.T, s *studio, sim *google, l *recorder), more ...string) {
	for name, through := range map[string]bool{"alone": false, "through a gateway": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			l := record(t, sim.URL)
			s := &studio{t, t.TempDir(), map[string]string{}}
			writeConfig(t, s.dir, l.URL, []string{"sim-1-a"}, more...)
			if through {
				start(t, s.dir, nil, "serve", "--listen", "127.0.0.1:0")
			}
			test(t, s, sim, l)
		})
	}
}

// Where no final could be made of a draft, that is said before it is paid for.
func TestADraftWithoutAFinalIsNotPaidFor(t *testing.T) {
	t.Parallel()
	for setting, mend := range map[string]string{"images: 0": "images: 30d", "images_max: 0": "images_max: 20GB", "prompts: false": "prompts: true"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			byBoth(t, func(t *testing.T, s *studio, sim *google, _ *recorder) {
				if said := s.refused("--draft", "A lighthouse"); !strings.Contains(said, "no final could be made of this draft") || !strings.Contains(said, mend) || !strings.Contains(said, "--size") {
					t.Errorf("it says %q", said)
				}
				said, stderr, code := run(t, s.dir, nil, "generate", "--dry-run", "--draft", "A lighthouse")
				if code != 0 || !strings.Contains(strings.Join(strings.Fields(said), " "), "no final can be made of it") {
					t.Errorf("of the estimate: exit %d, %s%s", code, said, stderr)
				}
				if n := len(sim.arrivals(":generateContent")); n != 0 {
					t.Errorf("%d requests were sent", n)
				}
				if large := s.generate("--size", "2K", "A lighthouse"); large.Width != 2048 {
					t.Errorf("as it says: %+v", large)
				}
			}, "retention: {"+setting+"}")
		})
	}
}

func TestADraftIsRefinedAndMadeLargeOnce(t *testing.T) {
	t.Parallel()
	byBoth(t, func(t *testing.T, s *studio, sim *google, l *recorder) {
		draft := s.generate("--draft", "A lighthouse", "--aspect", "2:3")
		if draft.Width != 424 || draft.Draft == nil || draft.Draft.For != "4K" || draft.Draft.Cost == nil ||
			draft.Draft.Command != "plantain generate --final "+draft.Request {
			t.Fatalf("the draft is %+v", draft)
		}
		darker := s.generate("--refine", draft.Request, "Make the sky darker")
		cost := -sim.billed()
		boat := s.generate("--refine", "last", "Add a boat", "-O", "boat")
		cost += sim.billed()
		if boat.Width != 424 || boat.Draft == nil || boat.Draft.For != "4K" || boat.Draft.Cost.Low <= draft.Draft.Cost.Low {
			t.Errorf("a draft goes on with a draft, and its final takes more: %+v after %+v", boat, draft)
		}
		want := "user: A lighthouse\nmodel: <a-lighthouse.jpg>\nuser: Make the sky darker\nmodel: <make-the-sky-darker.jpg>\nuser: Add a boat\n"
		if got := l.asked(t); got.turns(t, s.made) != want || got.GenerationConfig.ImageConfig.ImageSize != "512" || got.GenerationConfig.ImageConfig.AspectRatio != "2:3" {
			t.Errorf("Google was asked\n%s with %+v, want\n%s", got.turns(t, s.made), got.GenerationConfig, want)
		}
		before := sim.billed()
		final := s.generate(strings.Fields(strings.TrimPrefix(boat.Draft.Command, "plantain generate"))...)
		if final.Width != 3392 || final.Height != 5056 || final.Path != "a-lighthouse-final.jpg" || final.Draft != nil || len(final.Notes) != 0 || final.Healed != "memory" {
			t.Errorf("the final is %+v", final)
		}
		if paid := sim.billed() - before; paid < boat.Draft.Cost.Low || paid > boat.Draft.Cost.Low*11/10 {
			t.Errorf("the final cost %d, %d was told", paid, boat.Draft.Cost.Low)
		}
		got := l.asked(t)
		if !strings.HasPrefix(got.turns(t, s.made), want+"model: <boat.jpg>\nuser: Render the last image again") || got.model != nb2 || got.GenerationConfig.ImageConfig.AspectRatio != "2:3" {
			t.Errorf("Google was asked for the final by\n%s", got.turns(t, s.made))
		}

		// From the first draft the thread goes on in another way.
		branch := s.generate("--refine", draft.Request, "Make it a photograph", "--size", "1K", "--aspect", "16:9")
		if want := "user: A lighthouse\nmodel: <a-lighthouse.jpg>\nuser: Make it a photograph\n"; l.asked(t).turns(t, s.made) != want || branch.Width != 1376 || branch.Draft != nil {
			t.Errorf("asked\n%s made %+v", l.asked(t).turns(t, s.made), branch)
		}
		// Two drafts at 512 for 4K spared 1773 tokens each; the third one was paid for beside its final.
		if got, want := s.drafting(), 2*(2520-747)*60_000-cost; got != want {
			t.Errorf("drafting saved %d, want %d", got, want)
		}
		if told, _, _ := run(t, s.dir, nil, "spend"); !strings.Contains(told, "by 3 drafts") {
			t.Errorf("people are told\n%s", told)
		}
		shown, _, _ := run(t, s.dir, nil, "thread", "show", darker.Request)
		for _, part := range []string{"5 turns", "draft for 4K: A lighthouse", "draft for 4K: Add a boat", "final at 4K", ", goes on with 1, healed: memory"} {
			if !strings.Contains(shown, part) {
				t.Errorf("the thread lacks %q:\n%s", part, shown)
			}
		}
	})
}

func TestWhatCannotGoOnSaysWhy(t *testing.T) {
	t.Parallel()
	byBoth(t, func(t *testing.T, s *studio, sim *google, _ *recorder) {
		small, one := s.generate("A lighthouse", "--size", "1K"), s.generate("A tree", "-m", "original")
		s.generate("--final", small.Request, "--size", "2K") // and it is "last"
		made := len(sim.arrivals(":generateContent"))
		for _, c := range []struct {
			args []string
			want string
		}{
			{[]string{"--refine", "r-zzz", "Add a boat"}, "no picture is kept of r-zzz"},
			{[]string{"--refine", small.Request}, "there is no prompt"},
			{[]string{"--refine", small.Request, "Add a boat", "--size", "8K"}, "asked 8K"},
			{[]string{"--refine", small.Request, "Add a boat", "-m", "nb9"}, "\"nb9\" is not known"},
			{[]string{"--refine", small.Request, "Add a boat", "--draft", "--size", "512"}, "nothing smaller than 512"},
			{[]string{"--final", one.Request}, "makes 1K only"},
			{[]string{"--final", small.Request, "--size", "1K"}, "is 1K already"},
			{[]string{"--final", small.Request, "Add a boat"}, "--refine changes it"},
			{[]string{"--final", "last", "--size", "2K"}, "is 2K already"},
			{[]string{"--final", "last", "--refine", "last"}, "use one of the two"},
			{[]string{"--draft", "A tree", "-m", "original"}, "there is no cheaper draft"},
			{[]string{"--draft", "A tree", "-m", "pro", "--size", "2K"}, "takes as much for 1K as for 2K"},
			{nil, "there is no prompt"},
		} {
			if said := s.refused(c.args...); !strings.Contains(said, c.want) {
				t.Errorf("%q: %s; want %s", c.args, said, c.want)
			}
		}
		if n := len(sim.arrivals(":generateContent")); n != made {
			t.Errorf("%d more were paid for", n-made)
		}
	})
}

func TestAThreadGoesOnWithWhatIsKeptOfIt(t *testing.T) {
	t.Parallel()
	byBoth(t, func(t *testing.T, s *studio, _ *google, l *recorder) {
		apple := s.generate("A red apple", "-O", "apple")
		// One picture is of the gallery, and one is not.
		mine := filepath.Join(s.dir, "mine.png")
		if err := os.WriteFile(mine, tinyPNG(t), 0o600); err != nil {
			t.Fatal(err)
		}
		s.made[string(tinyPNG(t))] = "mine.png"
		s.generate("-i", "apple.jpg", "-i", "mine.png", "Put the apple there", "-O", "both")
		blue := s.generate("--refine", "last", "Make it blue", "-i", "mine.png")
		want := "user: Put the apple there <apple.jpg>\nmodel: <both.jpg>\nuser: Make it blue <mine.png>\n"
		if got := l.asked(t).turns(t, s.made); got != want {
			t.Errorf("Google was asked\n%s want\n%s", got, want)
		}
		if len(blue.Notes) != 1 || !strings.Contains(blue.Notes[0], "1 image(s) that came with the prompt of") {
			t.Errorf("it is told %q", blue.Notes)
		}
		var first struct{ Images []kept }
		list, _, _ := run(t, s.dir, nil, "images", "-o", "json")
		if err := json.Unmarshal([]byte(list), &first); err != nil || len(first.Images) != 3 {
			t.Fatalf("%v: %s", err, list)
		}
		if _, stderr, code := run(t, s.dir, nil, "images", "rm", first.Images[1].ID); code != 0 {
			t.Fatal(stderr)
		}
		more := s.generate("--refine", "last", "Make it green")
		if got, want := l.asked(t).turns(t, s.made), "user: Make it blue\nmodel: <make-it-blue.jpg>\nuser: Make it green\n"; got != want {
			t.Errorf("Google was asked\n%s want\n%s", got, want)
		}
		if len(more.Notes) != 2 || !strings.Contains(more.Notes[0], "what came before is kept no more") {
			t.Errorf("it is told %q", more.Notes)
		}
		if _, stderr, code := run(t, s.dir, nil, "images", "rm", first.Images[2].ID); code != 0 {
			t.Fatal(stderr)
		}
		if said := s.refused("--refine", apple.Request, "Add a leaf"); !strings.Contains(said, "no picture is kept of "+apple.Request) {
			t.Error(said)
		}
	})
}

func TestNobodyGoesOnWithTheThreadOfAnother(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	alice, bob, boss := gw.plantain("keys", "create", "alice"), gw.plantain("keys", "create", "bob"), gw.plantain("keys", "create", "boss", "--admin")
	gw.generate(nb2, prompt, "x-goog-api-key", alice, "Plantain-Draft", "4K")
	hers := gw.conversations("x-goog-api-key", alice)[0]
	if hers.Turns[0].Draft != "4K" {
		t.Errorf("a draft by its header is %+v", hers.Turns[0])
	}
	send := func(key, thread, verb, body, idempotency string) answer {
		t.Helper()
		header := []string{"x-goog-api-key", key}
		if idempotency != "" {
			header = append(header, "Idempotency-Key", idempotency)
		}
		return gw.ask(http.MethodPost, "/api/v1/threads/"+thread+verb, body, header...)
	}
	post := func(key, verb, body string) answer {
		t.Helper()
		return send(key, hers.ID, verb, body, "")
	}
	for _, c := range []struct {
		key, verb, body string
		status          int
		want            string
	}{
		{bob, "/refine", `{"prompt":"Add a leaf"}`, 404, "no picture is kept of " + hers.ID},
		{bob, "/final", "", 404, "no picture is kept of " + hers.ID},
		{boss, "/refine", `{"prompt":"Add a leaf"}`, 404, "is of client alice, and only with its key"},
		{alice, "/refine", `{"prompt":"Add a leaf","colour":1}`, 400, "colour"},
		{alice, "/refine", `{"prompt":" "}`, 400, "the prompt is empty"},
		{alice, "/final", `{"prompt":"Add a leaf"}`, 400, "refine changes it"},
		{alice, "/final", `{"size":"8K"}`, 400, "asked 8K"},
		{alice, "/refine?estimate=true", `{"prompt":"Add a leaf"}`, 200, `"low_nanodollars"`},
	} {
		if a := post(c.key, c.verb, c.body); a.StatusCode != c.status || !strings.Contains(string(a.body), c.want) {
			t.Errorf("%s %s: got %d %s; want %d %s", c.verb, c.body, a.StatusCode, a.body, c.status, c.want)
		}
	}
	if n := len(sim.arrivals(":generateContent")); n != 1 {
		t.Errorf("%d were paid for", n-1)
	}
	refined := post(alice, "/refine", `{"prompt":"Add a leaf","size":"2K"}`)
	if len(pictureIn(t, refined)) == 0 || refined.Header.Get("Plantain-Healed") != "memory" {
		t.Errorf("alice got %d %v", refined.StatusCode, refined.Header)
	}
	if final := post(alice, "/final", ""); len(pictureIn(t, final)) == 0 {
		t.Errorf("alice got %d", final.StatusCode)
	}
	if got := gw.conversations("x-goog-api-key", alice); len(got) != 1 || len(got[0].Turns) != 3 || !got[0].Turns[2].Final || got[0].Turns[2].Continues != hers.ID {
		t.Errorf("her threads are %+v", got)
	}
	// What "last" names is another turn by the second time.
	once := send(alice, "last", "/refine", `{"prompt":"Add a worm","size":"1K"}`, "worm")
	again := send(alice, "last", "/refine", `{"prompt":"Add a worm","size":"1K"}`, "worm")
	if again.StatusCode != 200 || again.Header.Get("Idempotent-Replayed") == "" || !bytes.Equal(once.body, again.body) {
		t.Errorf("the same again gets %d %.200s", again.StatusCode, again.body)
	}
	if other := send(alice, "last", "/refine", `{"prompt":"Add two worms","size":"1K"}`, "worm"); other.StatusCode != 422 {
		t.Errorf("something else under the same key gets %d", other.StatusCode)
	}
	for _, c := range []struct{ name, value, want string }{
		{"Plantain-Final", strings.Repeat("r-x", 3000), "is no id of a request"}, {"Plantain-Final", "r-\xff", "is no id of a request"},
		{"Plantain-Draft", "3K", "asked 3K"}, {"Plantain-Draft", "1K", "is smaller than that"},
	} {
		if a := gw.generate(nb2, prompt, "x-goog-api-key", alice, c.name, c.value); a.StatusCode != 400 || !strings.Contains(string(a.body), c.want) {
			t.Errorf("%s: %s: got %d %s", c.name, c.value, a.StatusCode, a.body)
		}
	}
}
