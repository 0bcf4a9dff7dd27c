package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A kept picture is one of /api/v1/images.
type kept struct {
	ID, Request, Client, Project, Model, MIME, SHA256 string
	Width, Height                                     int
	Bytes                                             int64
	Cost                                              struct {
		Low  int64 `json:"low_nanodollars"`
		High int64 `json:"high_nanodollars"`
	} `json:"attempt_cost"`
}

// gallery waits until so many pictures are kept, and gives them, newest first.
func (p *process) gallery(want int, header ...string) []kept {
	p.t.Helper()
	var got struct{ Images []kept }
	waitFor(p.t, fmt.Sprintf("%d pictures in the gallery", want), func() bool {
		got.Images = nil
		a := p.ask(http.MethodGet, "/api/v1/images", "", header...)
		if err := json.Unmarshal(a.body, &got); err != nil {
			p.t.Fatalf("%v: %s", err, a.body)
		}
		return len(got.Images) >= want
	})
	if len(got.Images) != want {
		p.t.Fatalf("%d pictures in the gallery, want %d", len(got.Images), want)
	}
	return got.Images
}

// pictureIn decodes the picture of an answer.
func pictureIn(t *testing.T, a answer) []byte {
	t.Helper()
	var shape struct {
		Candidates []struct {
			Content struct {
				Parts []struct{ InlineData struct{ Data string } }
			}
		}
	}
	if err := json.Unmarshal(a.body, &shape); err != nil {
		t.Fatalf("%v: %.300s", err, a.body)
	}
	for _, part := range shape.Candidates[0].Content.Parts {
		if part.InlineData.Data != "" {
			b, err := base64.StdEncoding.DecodeString(part.InlineData.Data)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatal("no picture")
	return nil
}

func TestGalleryKeepsWhatWasPaidFor(t *testing.T) {
	t.Parallel()
	for name, memory := range map[string]string{"in memory": "128MiB", "on disk": "64KB"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			dir := t.TempDir()
			writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, "spool: {memory: "+memory+"}")
			gw := serve(t, dir)
			a := gw.generate(flash, prompt)
			want := pictureIn(t, a)
			got := gw.gallery(1)[0]
			gw.kill()
			gw = serve(t, dir)
			sum := sha256.Sum256(want)
			if got.Request != a.Header.Get("Plantain-Request-Id") || got.Project != "a" || got.Client != "local" || got.Model != flash ||
				got.Bytes != int64(len(want)) || got.SHA256 != hex.EncodeToString(sum[:]) || got.Cost.Low != sim.billed() || got.Cost.High != sim.billed() || got.Width != 1024 {
				t.Errorf("kept is %+v", got)
			}
			content := gw.ask(http.MethodGet, "/api/v1/images/"+got.ID+"/content", "")
			if !bytes.Equal(content.body, want) || content.Header.Get("Content-Type") != got.MIME || content.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%d bytes came back, want %d; %v", len(content.body), len(want), content.Header)
			}
			thumb := gw.ask(http.MethodGet, "/api/v1/images/"+got.ID+"/thumbnail", "")
			small, kind, err := image.DecodeConfig(bytes.NewReader(thumb.body))
			if err != nil || kind != "jpeg" || max(small.Width, small.Height) != 512 || thumb.Header.Get("Content-Type") != "image/jpeg" {
				t.Errorf("the thumbnail: %v, %s of %+v", err, kind, small)
			}
		})
	}
}

func TestGalleryOfAStream(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	for n, query := range []string{"?alt=sse", ""} {
		gw.ask(http.MethodPost, "/v1beta/models/"+flash+":streamGenerateContent"+query, prompt)
		got := gw.gallery(n + 1)[0]
		content := gw.ask(http.MethodGet, "/api/v1/images/"+got.ID+"/content", "")
		if at, _, err := image.DecodeConfig(bytes.NewReader(content.body)); err != nil || at.Width != got.Width {
			t.Errorf("stream%s: %v, %+v", query, err, at)
		}
	}
}

func TestGalleryOfOneClientIsNoOthers(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	alice, bob, boss := gw.plantain("keys", "create", "alice"), gw.plantain("keys", "create", "bob"), gw.plantain("keys", "create", "boss", "--admin")
	gw.generate(flash, prompt, "x-goog-api-key", alice)
	hers := gw.gallery(1, "x-goog-api-key", alice)[0]
	gw.gallery(0, "x-goog-api-key", bob)
	gw.gallery(1, "x-goog-api-key", boss)
	if list := gw.ask(http.MethodGet, "/api/v1/images?client=alice", "", "x-goog-api-key", bob); !bytes.Contains(list.body, []byte(`"images": []`)) {
		t.Errorf("bob asked for alice's and got %s", list.body)
	}
	of := "/api/v1/images/" + hers.ID
	for _, path := range []string{of, of + "/content", of + "/thumbnail"} {
		for key, want := range map[string]int{alice: 200, bob: 404, boss: 200, "": 403} {
			if a := gw.ask(http.MethodGet, path, "", "x-goog-api-key", key); a.StatusCode != want {
				t.Errorf("%s: got %d, want %d", path, a.StatusCode, want)
			}
		}
	}
	if a := gw.ask(http.MethodDelete, of, "", "x-goog-api-key", bob); a.StatusCode != 404 {
		t.Errorf("bob removes it: %d", a.StatusCode)
	}
	if a := gw.ask(http.MethodDelete, of, "", "x-goog-api-key", alice); a.StatusCode != 200 {
		t.Errorf("alice removes it: %d", a.StatusCode)
	}
	gw.gallery(0, "x-goog-api-key", boss)
}

func TestGalleryByCommand(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	gw := serve(t, dir)
	want := pictureIn(t, gw.generate(flash, prompt))
	id := gw.gallery(1)[0].ID
	// Through the gateway that runs, and on the folder itself.
	for _, how := range []string{"running", "stopped"} {
		if how == "stopped" {
			gw.interrupt()
		}
		if list := gw.plantain("images"); !strings.Contains(list, id) || !strings.Contains(list, "1024×1024") || !strings.Contains(list, "A red apple on a white background") {
			t.Errorf("%s: the list is\n%s", how, list)
		}
		if list := gw.plantain("images", "--limit", "1", "-o", "json"); !strings.Contains(list, `"next": "`+id+`"`) {
			t.Errorf("%s: the list as JSON does not say where it goes on:\n%s", how, list)
		}
		if shown := gw.plantain("images", "show", id); !strings.Contains(shown, "for the attempt") {
			t.Errorf("%s: shown is\n%s", how, shown)
		}
		file := filepath.Join(dir, how+".out")
		gw.plantain("images", "get", id, "-O", file)
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got %d bytes, %v", how, len(got), err)
		}
		if _, stderr, code := run(t, dir, nil, "images", "get", id, "-O", file); code != 1 || !strings.Contains(stderr, "file exists") {
			t.Errorf("%s: over a file that is there: %d %s", how, code, stderr)
		}
		if _, stderr, code := run(t, dir, nil, "images", "show", "i-none"); code != 1 || !strings.Contains(stderr, "no image has the id i-none") {
			t.Errorf("%s: %d %s", how, code, stderr)
		}
	}
	gw.plantain("images", "rm", id)
	if list := gw.plantain("images", "-o", "json"); !strings.Contains(list, `"images": []`) {
		t.Errorf("after it was removed: %s", list)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "images", "gallery")); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
}

func TestGalleryForgetsByAgeAndSize(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-3-a"}, "retention: {images: 30d, images_max: 3MB}")
	gw := serve(t, dir)
	for range 8 {
		gw.generate(flash, prompt)
	}
	folder := filepath.Join(dir, "images", "gallery")
	size := func() (sum int64) {
		files, _ := os.ReadDir(folder)
		for _, f := range files {
			if at, err := f.Info(); err == nil {
				sum += at.Size()
			}
		}
		return sum
	}
	waitFor(t, "the last picture to be kept", func() bool { return gw.landed() })
	waitFor(t, "the oldest to go", func() bool { return size() <= 3_000_000 })
	if size() == 0 {
		t.Error("nothing is kept")
	}
	stray := filepath.Join(folder, "i-stray.png")
	if err := os.WriteFile(stray, []byte("half a picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	gw.kill()
	gw = serve(t, dir, "--clock-shift", "696h") // 29 days
	if _, err := os.Stat(stray); !os.IsNotExist(err) {
		t.Error("a file of nobody was not swept")
	}
	if size() == 0 {
		t.Error("after 29 days they are gone")
	}
	gw.interrupt()
	writeConfig(t, dir, sim.URL, []string{"sim-3-a"}, "retention: {images: unlimited, images_max: 3MB}")
	gw = serve(t, dir, "--clock-shift", "744h")
	if size() == 0 {
		t.Error("kept for ever, they are gone after 31 days")
	}
	gw.interrupt()
	writeConfig(t, dir, sim.URL, []string{"sim-3-a"}, "retention: {images: 30d, images_max: 3MB}")
	gw = serve(t, dir, "--clock-shift", "744h")
	if size() != 0 {
		t.Error("after 31 days they are still there")
	}
	gw.gallery(0)
}

// landed reports that nothing is served any more.
func (p *process) landed() bool {
	p.t.Helper()
	var got struct{ Images []kept }
	p.get("/api/v1/images?limit=1", &got)
	var ledger struct{ Attempts []struct{ Request string } }
	p.get("/api/v1/requests", &ledger)
	return len(got.Images) == 1 && len(ledger.Attempts) > 0 && got.Images[0].Request == ledger.Attempts[0].Request
}

func TestGalleryIsOffWhereTheConfigurationSaysSo(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, "retention: {images_max: 0, idempotency_max: 0}")
	gw := serve(t, dir)
	gw.keyed("k")
	if a := gw.keyed("k"); a.StatusCode != 200 || len(sim.arrivals(":generateContent")) != 2 {
		t.Errorf("got %d, %d calls reached Google", a.StatusCode, len(sim.arrivals(":generateContent")))
	}
	gw.interrupt() // it ends when all is done
	for _, folder := range []string{"gallery", "answers", "thumbnails"} {
		if left, _ := os.ReadDir(filepath.Join(dir, "images", folder)); len(left) != 0 {
			t.Errorf("%d files in %s", len(left), folder)
		}
	}
}

func TestGalleryOnAFullDisk(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	folder := filepath.Join(dir, "images", "gallery")
	smallDisk(t, folder)
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	gw := serve(t, dir)
	empty := fill(t, folder)
	if a := gw.generate(flash, prompt); a.StatusCode != 200 || len(pictureIn(t, a)) == 0 {
		t.Errorf("the client paid for it and got %d", a.StatusCode)
	}
	waitFor(t, "the loss to be told", func() bool {
		return strings.Contains(gw.metrics(""), "plantain_images_lost_total 1") && strings.Contains(gw.output(), "could not be kept in the gallery")
	})
	if status, said := gw.readiness(); status != 200 {
		t.Errorf("/readyz says %d %s", status, said)
	}
	empty()
	gw.generate(flash, prompt)
	gw.gallery(1)
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// Whenever the gateway dies, no file of the gallery is without a row, and no row
// without its file.
func TestGalleryWhateverMomentTheGatewayIsKilledAt(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-3-a"})
	folder := filepath.Join(dir, "images", "gallery")
	for n := range 10 {
		gw := serve(t, dir)
		calls, kept := len(sim.arrivals(":generateContent")), filesIn(folder)
		answered := make(chan struct{})
		moment := []struct {
			name    string
			reached func() bool
		}{
			{"when it has arrived", func() bool { return len(sim.arrivals(":generateContent")) > calls }},
			{"when the client has it", func() bool { return isClosed(answered) }},
			{"when there is a file", func() bool { return filesIn(folder) > kept }},
			{"when there are two", func() bool { return filesIn(folder) > kept+1 }},
			{"when all are kept", func() bool { return isClosed(answered) && filesIn(folder) == kept+3 }},
		}[n%5]
		go func() {
			defer close(answered)
			for range 3 {
				_, _ = gw.try(t.Context(), flash, prompt)
			}
		}()
		waitFor(t, "the moment "+moment.name, moment.reached)
		gw.kill()
		<-answered
	}
	gw := serve(t, dir)
	var got struct{ Images []kept }
	gw.get("/api/v1/images?limit=1000", &got)
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != len(got.Images) {
		t.Errorf("%d files, %d rows, %v", len(files), len(got.Images), err)
	}
	for _, i := range got.Images {
		a := gw.ask(http.MethodGet, "/api/v1/images/"+i.ID+"/content", "")
		if sum := sha256.Sum256(a.body); hex.EncodeToString(sum[:]) != i.SHA256 {
			t.Errorf("%s is not as it was kept: %d", i.ID, a.StatusCode)
		}
	}
	// What the later moments waited for must be there, or they were none.
	if len(files) < 5 {
		t.Errorf("%d pictures are kept", len(files))
	}
}
