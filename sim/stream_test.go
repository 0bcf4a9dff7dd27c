package sim

import (
	"bytes"
	"encoding/json"
	"image"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const streamed = ":streamGenerateContent?alt=sse"

// split takes an SSE body apart and checks that nothing but frames is in it.
func framesOf(t *testing.T, body []byte) []reply {
	t.Helper()
	var frames []reply
	for _, raw := range strings.SplitAfter(string(body), "\r\n\r\n") {
		if raw == "" {
			continue
		}
		line, ok := strings.CutPrefix(strings.TrimSuffix(raw, "\r\n\r\n"), "data: {")
		if !ok || strings.ContainsAny(line, "\r\n") {
			t.Fatalf("not a frame: %.100q", raw)
		}
		var f reply
		if err := json.Unmarshal([]byte("{"+line), &f); err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
	return frames
}

func TestStreamHasOneFrameForEachPartAndALastOne(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	r := send(t, s, "sim-1-a", "/v1beta/models/"+pro+streamed, prompt("a fox"))
	if ct := r.header.Get("Content-Type"); r.status != 200 || ct != "text/event-stream" || r.header.Get("Content-Disposition") != "attachment" {
		t.Fatalf("%d %v", r.status, r.header)
	}
	frames := framesOf(t, r.body)
	if len(frames) != 3 {
		t.Fatalf("%d frames", len(frames))
	}
	for i, f := range frames {
		last := i == len(frames)-1
		if f.ResponseID != frames[0].ResponseID || f.ModelVersion != pro || (f.Candidates[0].FinishReason == "STOP") != last ||
			(f.UsageMetadata.CandidatesTokenCount > 0) != last || len(f.parts()) != 1 {
			t.Errorf("frame %d: %+v", i, f.UsageMetadata)
		}
	}
	if frames[0].parts()[0].Text == "" || frames[1].picture() == nil || frames[1].parts()[0].ThoughtSignature == "" {
		t.Error("want a text, then a picture with its signature")
	}
	// What a client collects goes back as the next turn.
	var parts []replyPart
	for _, f := range frames {
		parts = append(parts, f.parts()...)
	}
	if r := generate(t, s, "sim-1-a", pro, turnBack(t, parts, "make it blue")); r.status != 200 {
		t.Errorf("next turn: %.300s", r.body)
	}
}

func TestSignatureMayComeLate(t *testing.T) {
	t.Parallel()
	s := New(Options{SignatureLast: true})
	frames := framesOf(t, send(t, s, "sim-1-a", "/v1beta/models/"+nb2+streamed, prompt("a fox")).body)
	if len(frames) != 2 || frames[0].parts()[0].ThoughtSignature != "" || frames[1].parts()[0].ThoughtSignature == "" {
		t.Fatalf("%d frames", len(frames))
	}
	parts := append(frames[0].parts(), frames[1].parts()...)
	if r := generate(t, s, "sim-1-a", nb2, turnBack(t, parts, "again")); r.status != 200 {
		t.Errorf("returned as it came: %.300s", r.body)
	}
	wantError(t, generate(t, s, "sim-1-a", nb2, turnBack(t, parts[:1], "again")), 400, "missing a thought_signature in content position 2, part position 1")
}

func TestStreamWithoutSSEIsOneArray(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	r := send(t, s, "sim-1-a", "/v1/models/"+pro+":streamGenerateContent", prompt("a fox"))
	var list []json.RawMessage
	if err := json.Unmarshal(r.body, &list); err != nil || len(list) != 3 || !strings.HasPrefix(r.header.Get("Content-Type"), "application/json") {
		t.Errorf("%d elements, %v, %v", len(list), err, r.header)
	}
}

func TestErrorsOfAStream(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	r := send(t, s, "sim-1-a", "/v1beta/models/"+pro+streamed, prompt("[sim:capacity]"))
	wantError(t, r, 503, "overloaded")
	if r.header.Get("Content-Type") != "text/event-stream" || !bytes.HasPrefix(r.body, []byte("{\n  \"error\"")) {
		t.Errorf("before the first frame: %v %s", r.header, r.body)
	}
	r = send(t, s, "sim-1-a", "/v1beta/models/"+pro+streamed, prompt("[sim:midstream_error]"))
	frame, rest, _ := strings.Cut(string(r.body), "\r\n\r\n")
	if r.status != 200 || !strings.HasPrefix(frame, "data: {") || !strings.HasPrefix(rest, "{\n  \"error\": {\n    \"code\": 503") {
		t.Errorf("after it: %d %.200s … %.200s", r.status, frame, rest)
	}
}

// NB2 sends the picture alone, Pro a word before it.
func TestAStreamThatFailsIsChargedOnceItsPictureCame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model, verb string
		charged     bool
	}{{nb2, streamed, true}, {pro, streamed, false}, {nb2, ":generateContent", false}} {
		s := New(Options{})
		r := send(t, s, "sim-1-a", "/v1beta/models/"+c.model+c.verb, prompt("[sim:midstream_error]"))
		e := s.Requests()[0]
		if came := bytes.Contains(r.body, []byte("inlineData")); came != c.charged || (e.Charged > 0) != c.charged || e.Whole || !bytes.Contains(r.body, []byte(`"error": {`)) {
			t.Errorf("%s%s: a picture came: %v; %+v", c.model, c.verb, came, e)
		}
	}
}

func TestDeliveryFailsAsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault  string
		broken bool // the connection
		bytes  int
	}{{"cut bytes=5000", true, 5000}, {"malformed_json bytes=5000", false, 5000}, {"empty", false, 0}} {
		for _, url := range []string{":generateContent", streamed} {
			s := New(Options{})
			r, err := try(t.Context(), s, "sim-1-a", "/v1/models/"+nb2+url, prompt("[sim:"+c.fault+"]"))
			if (err != nil) != c.broken || len(r.body) != c.bytes || r.status != 200 {
				t.Errorf("%s %s: %d, %d bytes, %v", c.fault, url, r.status, len(r.body), err)
			}
			if e := s.Requests()[0]; e.Charged == 0 || e.Whole || e.Fault != strings.Fields(c.fault)[0] {
				t.Errorf("%s: %+v", c.fault, e)
			}
		}
	}
}

func TestSlowAnswerTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		began := time.Now()
		r := generate(t, s, "sim-1-a", nb2, prompt("[sim:slow rate=100000]"))
		took, want := time.Since(began), time.Duration(len(r.body))*time.Second/100_000
		if r.picture() == nil || took < want-2*time.Second || took > want+2*time.Second {
			t.Errorf("took %s, want about %s", took, want)
		}
	})
}

func TestPicturesThatAreNotAsAsked(t *testing.T) {
	t.Parallel()
	s := New(Options{Limits: map[string]Limits{"1": {RPM: -1, IPM: -1}}})
	ask := func(fault string) reply {
		return generate(t, s, "sim-1-a", nb2, `{"contents":[{"parts":[{"text":"a fox [sim:`+fault+`]"}]}],`+
			`"generationConfig":{"imageConfig":{"imageSize":"2K","aspectRatio":"3:2"}}}`)
	}
	for _, c := range []struct {
		fault       string
		w, h, parts int
		tokens      int64
	}{
		{"wrong_size", 1264, 848, 1, 1120},
		{"wrong_size value=512", 632, 424, 1, 747},
		{"wrong_ratio", 2048, 2048, 1, 1680},
		{"wrong_model", 2528, 1696, 1, 1680},
		{"several_images count=3", 2528, 1696, 3, 3 * 1680},
		{"draft_then_final", 2528, 1696, 2, 1680},
	} {
		r := ask(c.fault)
		cfg, _, err := image.DecodeConfig(bytes.NewReader(r.picture()))
		if err != nil || cfg.Width != c.w || cfg.Height != c.h || len(r.parts()) != c.parts ||
			r.UsageMetadata.CandidatesTokensDetails[0].TokenCount != c.tokens {
			t.Errorf("%s: %dx%d, %d parts, %+v, %v", c.fault, cfg.Width, cfg.Height, len(r.parts()), r.UsageMetadata, err)
		}
		if (r.ModelVersion != nb2) != (c.fault == "wrong_model") {
			t.Errorf("%s: served by %s", c.fault, r.ModelVersion)
		}
	}
}

func TestTenMinuteSpendLimitIsEnforced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Limits: map[string]Limits{"1": {Spend: 100_000_000}}}) // ten cents: two pictures
		for i, want := range []int{200, 200, 429} {
			if r := generate(t, s, "sim-1-a", nb2, prompt("x")); r.status != want {
				t.Errorf("request %d: %d, want %d", i, r.status, want)
			}
			time.Sleep(time.Minute)
		}
		wantError(t, generate(t, s, "sim-1-a", original, prompt("x")), 429, "spend limit")
		time.Sleep(7 * time.Minute) // the first picture leaves the window
		if r := generate(t, s, "sim-1-a", nb2, prompt("x")); r.status != 200 {
			t.Errorf("after ten minutes: %d", r.status)
		}
	})
}
