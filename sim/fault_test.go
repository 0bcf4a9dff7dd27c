package sim

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestEveryFaultAnswersAsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault   string
		status  int
		holds   string
		counted bool
		charged bool
	}{
		{"quota_unknown", 429, "Resource has been exhausted (e.g. check quota).", false, false},
		{"rate_minute", 429, "PerMinute", false, false},
		{"rate_day", 429, "PerDay", false, false},
		{"rate_day_short", 429, `"retryDelay": "36s"`, false, false},
		{"quota_zero", 429, "limit: 0", false, false},
		{"capacity", 503, "The model is overloaded. Please try again later.", true, false},
		{"deadline_503", 503, "Deadline expired before operation could complete.", true, false},
		{"server_error", 500, "An internal error has occurred.", true, false},
		{"key_invalid", 400, "API_KEY_INVALID", false, false},
		{"key_leaked", 403, "reported as leaked", false, false},
		{"permission", 403, "The caller does not have permission", false, false},
		{"service_disabled", 403, "SERVICE_DISABLED", false, false},
		{"region", 400, "User location is not supported for the API use.", false, false},
		{"bad_gateway", 502, "That’s an error.", true, false},
		{"html_502", 502, "nginx", true, false},
		{"timeout_504", 504, "DEADLINE_EXCEEDED", true, false},
		{"cancelled_499", 499, "The operation was cancelled.", true, false},
		{"vertex_429", 429, "Resource exhausted. Please try again later.", true, false},
		{"spend_limit", 429, "last 10 minutes", false, false},
		{"thought_only", 200, `"thought": true`, true, true},
		{"continuation", 200, "continuationToken", true, true},
		{"new_finish", 200, "IMAGE_REVIEW_PENDING", true, true},
		{"bad_request", 400, "Request contains an invalid argument.", true, false},
		{"model_not_found", 404, "is not found for API version v1beta", true, false},
		{"retired", 404, "is not found for API version v1beta", false, false},
		{"thought_signature", 400, "missing a thought_signature", true, false},
		{"spending_cap", 429, "monthly spending cap", false, false},
		{"prepaid", 402, "credits", false, false},
		{"safety_image", 200, "You will not be charged for blocked images", true, false},
		{"safety_image_silent", 200, `"finishReason": "IMAGE_SAFETY"`, true, true},
		{"prohibited_image", 200, "IMAGE_PROHIBITED_CONTENT", true, true},
		{"recitation", 200, "IMAGE_RECITATION", true, true},
		{"safety_prompt", 200, `"blockReason": "PROHIBITED_CONTENT"`, true, true},
		{"no_image", 200, "NO_IMAGE", true, true},
		{"other", 200, "IMAGE_OTHER", true, false},
		{"text_only", 200, "in words", true, true},
		{"truncated", 200, "MAX_TOKENS", true, true},
	} {
		for _, way := range []string{"posted", "in the prompt"} {
			s := New(Options{})
			text := "a fox"
			if way == "posted" {
				r := send(t, s, "", "/sim/faults", `{"fault":"`+c.fault+`","next":1,"project":"a"}`)
				if r.status != 200 {
					t.Fatalf("%s: %s", c.fault, r.body)
				}
				if r := generate(t, s, "sim-1-b", nb2, small(text)); r.status != 200 || r.picture() == nil {
					t.Errorf("%s hit another project: %s", c.fault, r.body)
				}
			} else {
				text += " [sim:" + c.fault + "]"
			}
			r := generate(t, s, "sim-1-a", nb2, small(text))
			if r.status != c.status || !strings.Contains(string(r.body), c.holds) || r.picture() != nil {
				t.Errorf("%s %s: %d %.500s", c.fault, way, r.status, r.body)
			}
			list := s.Requests()
			e := list[len(list)-1]
			if e.Fault != c.fault || e.Counted != c.counted || (e.Charged > 0) != c.charged || e.Status != c.status {
				t.Errorf("%s %s: %+v", c.fault, way, e)
			}
			if way == "posted" {
				if r := generate(t, s, "sim-1-a", nb2, small(text)); r.picture() == nil {
					t.Errorf("%s: acted more than once", c.fault)
				}
			}
		}
	}
}

func TestUnknownFaultIsRefusedWithTheValidNames(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	for _, body := range []string{`{"fault":"nonsense"}`, `[{"fault":"capacity","nxt":1}]`, `{"fault":"capacity","share":2}`, `nonsense`} {
		if r := send(t, s, "", "/sim/faults", body); r.status != 400 || !strings.Contains(string(r.body), "safety_image_silent") {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	if got := s.Faults(); len(got) != 0 {
		t.Errorf("set all the same: %v", got)
	}
}

func TestFilteredPicturesCostByBillingMode(t *testing.T) {
	t.Parallel()
	for mode, charged := range map[string]bool{"": true, "charged": true, "free": false} {
		s := New(Options{Filtered: mode})
		r := generate(t, s, "sim-1-a", pro, prompt("a fox [sim:safety_image_silent]"))
		u, m := r.UsageMetadata, findModel(pro)
		want := int64(0)
		if charged {
			want = u.PromptTokenCount*m.inPrice + u.ThoughtsTokenCount*m.textPrice
		}
		if got := s.Bill().Total; got != want {
			t.Errorf("%q: %d, want %d", mode, got, want)
		}
	}
}

// Nothing was filtered, so it costs what it used, as every answer does.
func TestAnAnswerWithoutAPictureCostsWhatItUsed(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"no_image", "new_finish", "truncated", "text_only"} {
		for _, mode := range []string{"charged", "free"} {
			s := New(Options{Filtered: mode})
			r := generate(t, s, "sim-1-a", pro, prompt("a fox [sim:"+fault+"]"))
			u, m := r.UsageMetadata, findModel(pro)
			if got, want := s.Bill().Total, u.PromptTokenCount*m.inPrice+(u.ThoughtsTokenCount+u.CandidatesTokenCount)*m.textPrice; got != want || r.picture() != nil {
				t.Errorf("%s with filtered %s: %d, want %d", fault, mode, got, want)
			}
		}
	}
}

func TestFaultsEndInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		send(t, s, "", "/sim/faults", `[{"fault":"capacity","after":"10s","for":"30s","model":"gemini-3-pro-image-preview"}]`)
		for _, c := range []struct {
			wait   time.Duration
			status int
		}{{0, 200}, {11 * time.Second, 503}, {28 * time.Second, 503}, {2 * time.Second, 200}} {
			time.Sleep(c.wait)
			if r := generate(t, s, "sim-1-a", pro, prompt("x")); r.status != c.status {
				t.Errorf("after %s more: %d, want %d", c.wait, r.status, c.status)
			}
		}
		if left := s.Faults(); len(left) != 0 {
			t.Errorf("still active: %v", left)
		}
	})
}

func TestClientThatLeavesIsCharged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Latency: Between(20*time.Second, 20*time.Second)})
		for _, text := range []string{"a fox", "a fox [sim:hang]", "a fox [sim:hang charge=false]"} {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if _, err := try(ctx, s, "sim-1-a", "/v1/models/"+nb2+":generateContent", prompt(text)); err == nil {
				t.Errorf("%s: answered", text)
			}
		}
		if _, err := try(t.Context(), s, "sim-1-a", "/v1/models/"+nb2+":generateContent", prompt("[sim:drop]")); err == nil {
			t.Error("drop: answered")
		}
		synctest.Wait()
		list := s.Requests()
		if len(list) != 4 {
			t.Fatalf("%+v", list)
		}
		for i, charged := range []bool{true, true, false} {
			if e := list[i]; e.Status != 499 || (e.Charged > 0) != charged {
				t.Errorf("%+v", e)
			}
		}
		if drop := list[3]; drop.Charged == 0 || drop.Status != 0 || drop.Fault != "drop" {
			t.Errorf("drop: %+v", drop)
		}
	})
}

func TestAnswerMayComeBeforeTheRequestWasRead(t *testing.T) {
	t.Parallel()
	s := New(Options{AnswerEarly: true})
	stuck, _ := io.Pipe() // a body that never ends
	req, _ := http.NewRequestWithContext(t.Context(), "POST", "http://google.test/v1beta/models/"+nb2+":generateContent", stuck)
	req.Header.Set("Authorization", "Bearer sim-1-a")
	resp, err := s.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || len(body) < 1<<20 {
		t.Errorf("%d, %d bytes, %v", resp.StatusCode, len(body), err)
	}
}
