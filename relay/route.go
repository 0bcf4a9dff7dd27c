package relay

import (
	"net/http"
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A route is a call of the Gemini API, taken from a path.
type route struct {
	version string // "v1beta"
	model   plantain.Model
	verb    string // after the colon: "generateContent"; empty: a plain GET
}

// parseRoute takes a path apart. ok is false where it is none that the relay
// knows.
func parseRoute(r *http.Request) (rt route, ok bool) {
	version, rest, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !found || (version != "v1" && version != "v1beta") {
		return route{}, false
	}
	rt.version = version
	if rest == "models" {
		return rt, r.Method == http.MethodGet
	}
	name, found := strings.CutPrefix(rest, "models/")
	if !found || name == "" || strings.Contains(name, "/") {
		return route{}, false
	}
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		rt.model, rt.verb = plantain.Model(name[:i]), name[i+1:]
		// Any other verb may cost what the books would not know of.
		served := rt.model != "" && (rt.pays() || rt.verb == "countTokens")
		return rt, served && r.Method == http.MethodPost
	}
	rt.model = plantain.Model(name)
	return rt, r.Method == http.MethodGet
}

// pays reports whether the call makes images and is billed.
func (r route) pays() bool { return r.verb == "generateContent" || r.streams() }

// streams reports whether the answer comes event by event.
func (r route) streams() bool { return r.verb == "streamGenerateContent" }

// free reports whether the call costs nothing, so that it may be repeated.
func (r route) free() bool { return !r.pays() }

// path is the path for the model that serves.
func (r route) path(e gemini.Entry) string {
	p := "/" + r.version + "/models"
	if r.model == "" {
		return p
	}
	p += "/" + string(e.ID)
	if r.verb != "" {
		p += ":" + r.verb
	}
	return p
}
