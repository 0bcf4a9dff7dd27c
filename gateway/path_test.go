package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A redirect would make an SDK send a POST, and its picture, a second time.
func TestNoPathIsAnsweredByARedirect(t *testing.T) {
	t.Parallel()
	const model = "/v1beta/models/nb2:generateContent"
	for path, want := range map[string]string{
		model:                                  model,
		"/" + model:                            model,
		"//v1beta//models/nb2:generateContent": model,
		"/v1beta/./models/../models/nb2:streamGenerateContent": "/v1beta/models/nb2:streamGenerateContent",
		"/v1beta/":  "/v1beta/",
		"/v1beta":   "",
		"/v1":       "",
		"//nothing": "",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			var seen string
			relay := roundTrip(func(r *http.Request) (*http.Response, error) {
				seen = r.URL.Path
				return httptest.NewRecorder().Result(), nil
			})
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "http://localhost"+path, strings.NewReader("{}"))
			r.RemoteAddr = "127.0.0.1:1"
			(&Gateway{Relay: relay}).Handler().ServeHTTP(w, r)
			status := 200
			if want == "" {
				status = 404
			}
			if w.Code != status || seen != want || w.Header().Get("Location") != "" {
				t.Errorf("answered %d %v, and the relay saw %q", w.Code, w.Header(), seen)
			}
			if want == "" && !strings.Contains(w.Body.String(), `"NOT_FOUND"`) {
				t.Errorf("not in Google's shape: %s", w.Body)
			}
		})
	}
}
