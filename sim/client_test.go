package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

const nb2, pro, original = "gemini-3.1-flash-image", "gemini-3-pro-image", "gemini-2.5-flash-image"

// reply is an answer as a client decodes it.
type reply struct {
	status int
	header http.Header
	body   []byte

	Candidates []struct {
		Content struct {
			Role  string
			Parts []replyPart
		}
		FinishReason, FinishMessage string
	}
	PromptFeedback struct{ BlockReason string }
	UsageMetadata  struct {
		PromptTokenCount, CandidatesTokenCount, TotalTokenCount, ThoughtsTokenCount int64
		PromptTokensDetails, CandidatesTokensDetails                                []struct {
			Modality   string
			TokenCount int64
		}
		ServiceTier string
	}
	ModelVersion, ResponseID string
	Error                    struct {
		Code            int
		Message, Status string
		Details         []map[string]any
	}
}

type replyPart struct {
	Text             string `json:"text,omitempty"`
	Thought          bool   `json:"thought,omitempty"`
	ThoughtSignature string `json:"thoughtSignature,omitempty"`
	InlineData       *struct {
		MimeType string `json:"mimeType"`
		Data     []byte `json:"data"`
	} `json:"inlineData,omitempty"`
}

// MarshalJSON keeps an empty text, which is the data of its part.
func (p replyPart) MarshalJSON() ([]byte, error) {
	type plain replyPart
	if p.InlineData != nil {
		return json.Marshal(plain(p))
	}
	return json.Marshal(struct {
		Text string `json:"text"`
		plain
	}{p.Text, plain(p)})
}

func (r reply) parts() []replyPart {
	if len(r.Candidates) == 0 {
		return nil
	}
	return r.Candidates[0].Content.Parts
}

// picture returns the last picture of the answer, nil for none.
func (r reply) picture() []byte {
	for _, p := range r.parts() {
		if p.InlineData != nil && !p.Thought {
			return p.InlineData.Data
		}
	}
	return nil
}

func send(t *testing.T, s *Server, key, url, body string) reply {
	t.Helper()
	r, err := try(t.Context(), s, key, url, body)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return r
}

func try(ctx context.Context, s *Server, key, url, body string) (reply, error) {
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://google.test"+url, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if key != "" {
		req.Header.Set("X-Goog-Api-Key", key)
	}
	resp, err := s.Transport().RoundTrip(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	got := reply{status: resp.StatusCode, header: resp.Header}
	if got.body, err = io.ReadAll(resp.Body); err != nil {
		return got, err
	}
	json.Unmarshal(got.body, &got)
	return got, nil
}

func prompt(text string) string {
	return fmt.Sprintf(`{"contents":[{"role":"user","parts":[{"text":%q}]}]}`, text)
}

// small asks for the smallest picture, where any will do.
func small(text string) string {
	return strings.TrimSuffix(prompt(text), "}") + `,"generationConfig":{"imageConfig":{"imageSize":"512"}}}`
}

func generate(t *testing.T, s *Server, key, model, body string) reply {
	t.Helper()
	return send(t, s, key, "/v1beta/models/"+model+":generateContent", body)
}

// wantError checks status and message of a refusal.
func wantError(t *testing.T, r reply, code int, message string) {
	t.Helper()
	if r.status != code || r.Error.Code != code || !strings.Contains(r.Error.Message, message) {
		t.Errorf("got %d %s, want %d %q", r.status, r.body[:min(len(r.body), 400)], code, message)
	}
}
