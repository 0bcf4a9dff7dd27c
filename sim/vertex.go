package sim

import (
	"net/http"
	"regexp"
	"strings"
)

var vertexPath = regexp.MustCompile(
	`^/(v1|v1beta1)/(?:projects/([^/]+)/locations/([^/]+)/)?publishers/google/models(?:/([^/:]+))?(?::(\w+))?$`)

// vertexProject reads who calls: an OAuth token names no project here, the path does; an express-mode API key works
// only without a project in the path (gemini-api.md §12).
func vertexProject(r *http.Request, inPath string) (project, *refusal) {
	key, bearer := credential(r)
	p, ok := owner(key)
	switch {
	case key == "":
		return p, unauthenticated("Request is missing required authentication credential. Expected OAuth 2 access token, login cookie "+
			"or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.", "CREDENTIALS_MISSING")
	case !bearer && inPath != "":
		return p, unauthenticated("API keys are not supported by this API. Expected OAuth2 access token or other authentication "+
			"credentials that assert a principal. See https://cloud.google.com/docs/authentication", "CREDENTIALS_MISSING")
	case bearer && !ok && strings.HasPrefix(key, "ya29.") && inPath != "":
		if p, ok = owner(inPath); !ok {
			p = project{inPath, "1"}
		}
		return p, nil
	case !bearer && !ok:
		return p, keyInvalid("API key not valid. Please pass a valid API key.")
	case !ok:
		return p, badToken()
	}
	return p, nil
}

// unauthenticated is Vertex's 401; the Gemini API says 400 to a bad key.
func unauthenticated(message, reason string) *refusal {
	out := &refusal{code: http.StatusUnauthorized, status: "UNAUTHENTICATED", message: message}
	if reason != "" {
		out.details = []any{newErrorInfo(reason, map[string]string{
			"method":  "google.cloud.aiplatform.v1beta1.PredictionService.GenerateContent",
			"service": "aiplatform.googleapis.com"})}
	}
	return out
}

func badToken() *refusal {
	return unauthenticated("Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "+
		"valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.", "")
}

// vertex serves the Vertex form of the same models. Image models live in location global only, and the preview ids
// are gone there. There are no fixed limits, unless Options.Limits has some for "vertex".
func (s *Server) vertex(w http.ResponseWriter, r *http.Request, path []string) {
	began := s.now()
	version, inPath, location, id, method := path[1], path[2], path[3], path[4], path[5]
	project, refused := vertexProject(r, inPath)
	key, _ := credential(r)
	entry := s.account.open(Request{Time: began, Project: project.name, Tier: project.tier, Model: id,
		Method: methodName(r.Method, id, method), Path: r.URL.Path, key: key})
	m := findModel(id)
	g := &generation{s: s, w: w, r: r, version: version, vertex: true, resource: resource(inPath, location, id), project: project, model: m, entry: entry, began: began,
		rnd: s.dice.fork(), sse: r.URL.Query().Get("alt") == "sse", limits: s.opts.Limits["vertex"]}
	switch {
	case refused != nil:
	case r.Method == http.MethodGet && method == "":
		refused = g.publisherModels(id)
	case r.Method != http.MethodPost:
		refused = googlePage(http.StatusNotFound, "The requested URL was not found on this server.")
	case m == nil || strings.HasSuffix(id, "-preview") || inPath != "" && location != "global":
		refused = publisherModelNotFound(inPath, location, id)
	default:
		refused = g.call(method)
	}
	if refused != nil {
		g.refuse(refused)
	}
}

func resource(project, location, model string) string {
	name := "publishers/google/models/" + model
	if project != "" {
		name = "projects/" + project + "/locations/" + location + "/" + name
	}
	return name
}

func publisherModelNotFound(project, location, model string) *refusal {
	return &refusal{code: http.StatusNotFound, status: "NOT_FOUND", message: "Publisher Model `" + resource(project, location, model) +
		"` was not found or your project does not have access to it. Please ensure you are using a valid model version. " +
		"For more information, see: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions"}
}

func iamDenied(name string) *refusal {
	info := newErrorInfo("IAM_PERMISSION_DENIED", map[string]string{"permission": "aiplatform.endpoints.predict", "resource": name})
	info.Domain = "aiplatform.googleapis.com"
	return denied("Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/"+name+
		"' (or it may not exist).", info)
}

// publisherModels lists what Vertex serves: no preview ids.
func (g *generation) publisherModels(id string) *refusal {
	type publisherModel struct {
		Name    string `json:"name"`
		Version string `json:"versionId"`
		Stage   string `json:"launchStage"`
	}
	var list []publisherModel
	for _, name := range listed() {
		if !strings.HasSuffix(name, "-preview") && (id == "" || id == name) {
			list = append(list, publisherModel{"publishers/google/models/" + name, "default", "GA"})
		}
	}
	if list == nil {
		return publisherModelNotFound("", "", id)
	}
	g.note(func(e *Request) { e.Status = http.StatusOK })
	if id != "" {
		g.s.reply(g.w, list[0], g.began)
		return nil
	}
	g.s.reply(g.w, map[string]any{"publisherModels": list}, g.began)
	return nil
}

// token is Google's OAuth endpoint: any grant gets a token that Vertex takes.
func (s *Server) token(w http.ResponseWriter) {
	s.reply(w, struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
		Type    string `json:"token_type"`
	}{"ya29.sim-" + newResponseID(s.now(), s.dice.fork()), 3599, "Bearer"}, s.now())
}
