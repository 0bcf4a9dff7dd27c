package relay

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/plantainhq/plantain"
)

// An Upstream is the way to one project: it turns a path of the Gemini API into
// an address and puts the project's credential on a request. It is safe for
// concurrent use and never logs or returns the credential.
type Upstream interface {
	// Address gives the URL of a path such as "/v1beta/models/M:generateContent".
	Address(path, query string) (*url.URL, error)
	// Authorize puts the credential on a request that is about to be sent.
	Authorize(ctx context.Context, r *http.Request) error
	// Conceal replaces every trace of the credential in text that a client will see.
	Conceal(text string) string
}

// GoogleBase is where the Gemini API lives.
const GoogleBase = "https://generativelanguage.googleapis.com"

// A KeyUpstream reaches the Gemini API, or an aggregator that speaks it under
// another base URL, with an API key.
type KeyUpstream struct {
	Base string // empty: [GoogleBase]; a path prefix is kept
	Key  plantain.Secret
}

// Address implements [Upstream].
func (u KeyUpstream) Address(path, query string) (*url.URL, error) {
	base := u.Base
	if base == "" {
		base = GoogleBase
	}
	target, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	target.Path = strings.TrimSuffix(target.Path, "/") + path
	target.RawQuery = query
	return target, nil
}

// Authorize implements [Upstream]: the header that Google's own SDKs use, never
// the URL, which ends up in logs.
func (u KeyUpstream) Authorize(_ context.Context, r *http.Request) error {
	r.Header.Set("X-Goog-Api-Key", u.Key.Reveal())
	return nil
}

// Conceal implements [Upstream].
func (u KeyUpstream) Conceal(text string) string {
	if u.Key.Empty() {
		return text
	}
	return strings.ReplaceAll(text, u.Key.Reveal(), "[secret]")
}
