package sim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// gemini serves /{v}/models…: the list, one entry, and the methods of a model. name is what follows "models/".
func (s *Server) gemini(w http.ResponseWriter, r *http.Request, version, name string) {
	began := s.now()
	id, method, _ := strings.Cut(name, ":")
	project, refused := admit(r)
	key, _ := credential(r)
	entry := s.account.open(Request{Time: began, Project: project.name, Tier: project.tier, Model: id,
		Method: methodName(r.Method, name, method), Path: r.URL.Path, key: key})
	fail := func(refused *refusal, sse bool) {
		s.account.note(entry, func(e *Request) { e.Status = refused.code })
		s.refuse(w, refused, began, sse)
	}
	sse := r.URL.Query().Get("alt") == "sse"
	if refused != nil {
		fail(refused, sse)
		return
	}
	m := findModel(id)
	g := &generation{s: s, w: w, r: r, version: version, project: project, model: m, entry: entry, began: began,
		rnd: s.dice.fork(), sse: sse}
	switch {
	case r.Method == http.MethodGet && method == "":
		if f := g.take(atKey); f != nil {
			fail(g.fail(f), false)
			return
		}
		s.account.note(entry, func(e *Request) { e.Status = http.StatusOK })
		s.list(w, r, version, id, fail)
	case r.Method != http.MethodPost:
		s.account.note(entry, func(e *Request) { e.Status = http.StatusNotFound })
		s.lost(w)
	case id == "" || strings.ContainsAny(id, "/ _") && m == nil:
		fail(invalid("* GenerateContentRequest.model: unexpected model name format\n"), sse)
	case m == nil:
		fail(modelNotFound(id, version, method), sse)
	default:
		g.limits = s.limits(project.tier, m)
		if refused := g.call(method); refused != nil {
			g.refuse(refused)
		}
	}
}

// refuse sends a refusal of a request that reached its model.
func (g *generation) refuse(r *refusal) {
	g.w.Header().Set("X-Gemini-Service-Tier", "standard")
	g.note(func(e *Request) { e.Status = r.code })
	g.s.refuse(g.w, r, g.began, g.sse)
}

func (g *generation) call(method string) *refusal {
	switch method {
	case "generateContent":
		return g.run()
	case "streamGenerateContent":
		g.stream = true
		return g.run()
	case "countTokens":
		return g.countTokens()
	}
	return modelNotFound(g.entry.Model, g.version, method)
}

func methodName(verb, name, method string) string {
	switch {
	case method != "":
		return method
	case verb == http.MethodGet && name == "":
		return "listModels"
	case verb == http.MethodGet:
		return "getModel"
	}
	return verb
}

// list answers GET models and GET models/ID. Pages hold 50 entries unless pageSize says otherwise.
func (s *Server) list(w http.ResponseWriter, r *http.Request, version, id string, fail func(*refusal, bool)) {
	asks, _ := admit(r)
	if id != "" {
		m := findModel(id)
		if m == nil {
			fail(&refusal{code: 404, status: "NOT_FOUND", message: "Model is not found: models/" + id + " for api version " + version}, false)
			return
		}
		s.reply(w, m.entry(id), s.now())
		return
	}
	size, err := strconv.Atoi(r.URL.Query().Get("pageSize"))
	if err != nil || size <= 0 {
		size = 50
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("pageToken"))
	ids := slices.DeleteFunc(listed(), func(id string) bool { return s.faults.retired(s.now(), asks, findModel(id)) })
	from = min(max(from, 0), len(ids))
	to := min(from+size, len(ids))
	var page struct {
		Models []entry `json:"models"`
		Next   string  `json:"nextPageToken,omitempty"`
	}
	for _, id := range ids[from:to] {
		page.Models = append(page.Models, findModel(id).entry(id))
	}
	if to < len(ids) {
		page.Next = strconv.Itoa(to)
	}
	s.reply(w, page, s.now())
}

// countTokens takes {contents} or {generateContentRequest}; it is free and takes no room in the windows.
func (g *generation) countTokens() *refusal {
	if f := g.take(atKey); f != nil {
		return g.fail(f)
	}
	body, r := g.read()
	if r != nil {
		return r
	}
	v, err := parse(body)
	if err != nil {
		return invalid(err.Error())
	}
	if bad := countSchema.unknown(v, ""); bad != nil && !g.vertex {
		return badFields(bad...)
	}
	if v.has("generateContentRequest") {
		v = v.field("generateContentRequest")
	}
	a, r := reader{model: g.model, vertex: g.vertex, file: g.fileOf}.request(v)
	if r != nil {
		return r
	}
	g.header(http.StatusOK, "application/json; charset=UTF-8")
	e := newEmitter(g.w, true)
	e.open('{')
	e.key("totalTokens").int(a.textTokens + a.imageTokens)
	e.key("promptTokensDetails").open('[')
	modality(e, "TEXT", a.textTokens)
	modality(e, "IMAGE", a.imageTokens)
	e.close(']')
	e.close('}')
	e.w.WriteByte('\n')
	e.flush()
	return nil
}
