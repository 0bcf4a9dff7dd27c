package relay

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// forwarded are the headers of a client that go to Google: what the body is, who the
// SDK says it is, and what Google reads of a request (gemini-api.md §9, §12).
// Everything else speaks of this connection, of the client or of its credential.
var forwarded = []string{"Content-Type", "User-Agent", "X-Goog-Api-Client", "X-Server-Timeout", "X-Vertex-Ai-Llm-Shared-Request-Type"}

// A field mask leaves out of an answer what nobody asked for. Of one that is paid for
// it would leave out what the verdict and the ledger need, so the client gets more
// than it asked for; of a free one it is the client's own matter.
const fieldMask = "X-Goog-Fieldmask"

func forwardable(in http.Header, rt route) http.Header {
	out := http.Header{}
	for _, name := range forwarded {
		if values := in.Values(name); len(values) > 0 {
			out[name] = values
		}
	}
	if mask := in.Values(fieldMask); rt.free() && len(mask) > 0 {
		out[fieldMask] = mask
	}
	// A compressed answer would hide its body from the scanner.
	out.Set("Accept-Encoding", "identity")
	return out
}

// forwardableQuery gives the parameters that go to Google, and refuses those that
// ask for an answer that could not be read.
func forwardableQuery(in url.Values, rt route) (string, *refusal) {
	out := url.Values{}
	for name, values := range in {
		switch name {
		case "alt", "$alt":
			if v := strings.Join(values, ","); !slices.Contains([]string{"sse", "json", ""}, v) {
				return "", badRequest("", fmt.Sprintf("%s=%s asks for a form that Plantain cannot read", name, v), "Leave it out, or use alt=sse for a stream.")
			}
			out[name] = values
		case "pageSize", "pageToken":
			out[name] = values
		case "fields", "$fields":
			if rt.free() {
				out[name] = values
			}
		}
	}
	return out.Encode(), nil
}
