package config

import (
	"net"
	"net/url"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

func (r *reader) projects(s *section, c *Config) {
	nodes := s.list("projects")
	if list, ok := r.resolve(s.value("projects")).(*ast.SequenceNode); ok && len(list.Values) == 0 {
		r.fail(s.key("projects"), "projects is empty: list at least one, or leave it out and set GEMINI_API_KEY")
	}
	first := map[plantain.ProjectName]int{} // the line of each name
	reached := map[account]plantain.ProjectName{}
	for _, n := range nodes {
		s := r.section("a project", n)
		if s == nil {
			continue
		}
		p := r.project(s, c.Catalogue)
		if line, taken := first[p.Name]; taken && p.Name != "" {
			r.fail(s.key("name"), "a second project of this name; the first is on line %d", line)
		}
		first[p.Name] = s.key("name").GetToken().Position.Line
		c.Projects = append(c.Projects, p)
		if p.Name == "" || p.APIKey.Empty() || s.value("base_url") != nil && p.BaseURL == "" {
			continue // what is wrong with it was told
		}
		if twin, taken := reached[p.account()]; taken && twin != p.Name {
			r.fail(s.value("api_key"), "projects %s and %s have the same api_key and base_url, so they are one project, whose limits would "+
				"be counted twice; remove one of them, or give it a key of another Google Cloud project", twin, p.Name)
		}
		reached[p.account()] = p.Name
	}
}

// An account is what an upstream counts a project by: two with the same key at
// the same place are one.
type account struct{ base, key string }

func (p Project) account() account {
	u, err := url.Parse(p.BaseURL)
	if err != nil || p.BaseURL == "" {
		return account{googleHost, p.APIKey.Reveal()}
	}
	port := ":" + u.Port()
	if u.Port() == "" || u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" {
		port = ""
	}
	return account{strings.ToLower(u.Hostname()) + port + u.Path, p.APIKey.Reveal()}
}

// googleHost is where projects without a base URL are reached.
const googleHost = "generativelanguage.googleapis.com"

func (r *reader) project(s *section, known *gemini.Catalogue) Project {
	p := Project{PricePermille: 1000, Weight: 1}
	parsed(s, "name", &p.Name, "a name of letters, digits, dots, dashes and underscores", parseProjectName)
	if s.value("name") == nil {
		r.fail(s.node, "a project needs a name")
	}
	r.apiKey(s, &p)
	r.baseURL(s, &p)
	r.vertex(s.under("vertex"), &p)
	parsed(s, "tier", &p.Tier, "a tier: 1, 2, 3 or free", parseTier)
	r.limits(s.under("limits"), &p, known)
	parsed(s, "price_factor", &p.PricePermille, "a factor such as 0.75, with at most three decimals", parsePermille)
	s.count("weight", &p.Weight, 1)
	parsed(s, "probe_limits", &p.ProbeLimits, "true or false", parseBool)
	p.Upstream = upstream(p)
	parsed(s, "upstream", &p.Upstream, "gemini, vertex or compatible", parseUpstream)
	if p.Tier == 0 && p.Upstream == plantain.Gemini {
		p.Tier = 1
	}
	r.credentials(s, p)
	s.end()
	return p
}

// upstream is the kind of endpoint that a project looks like. A base URL that is
// neither Google's nor on this machine belongs to an aggregator, unless the
// project has a tier, which only Google's have.
func upstream(p Project) plantain.Upstream {
	if p.Vertex.Project != "" {
		return plantain.Vertex
	}
	u, err := url.Parse(p.BaseURL)
	if err != nil || p.BaseURL == "" || p.Tier != 0 || u.Hostname() == googleHost {
		return plantain.Gemini
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return plantain.Gemini
	}
	return plantain.Compatible
}

func parseUpstream(text string) (plantain.Upstream, bool) {
	u := plantain.Upstream(text)
	return u, u == plantain.Gemini || u == plantain.Vertex || u == plantain.Compatible
}

func (r *reader) apiKey(s *section, p *Project) {
	n := s.value("api_key")
	if n == nil {
		return
	}
	key, ok := r.secret(n)
	if ok && !printable(key) {
		r.fail(n, "api_key holds white space or other characters that no API key has")
	}
	p.APIKey = plantain.NewSecret(key)
}

func (r *reader) baseURL(s *section, p *Project) {
	n := s.value("base_url")
	if n == nil {
		return
	}
	text, _, ok := r.scalar(n)
	if !ok {
		return
	}
	base, complaint := baseURL(text)
	if complaint != "" {
		r.fail(n, "base_url: %s", complaint)
	}
	p.BaseURL = base
}

func (r *reader) vertex(s *section, p *Project) {
	if s == nil {
		return
	}
	p.Vertex.Location = "global" // where image models are served
	s.text("project", &p.Vertex.Project)
	s.text("location", &p.Vertex.Location)
	s.text("credentials", &p.Vertex.Credentials)
	if s.value("project") == nil {
		r.fail(s.node, "vertex needs the id of a Google Cloud project: vertex: {project: my-proj}")
	}
	s.end()
}

// credentials wants exactly one way in. A value that is there but wrong was
// already told of.
func (r *reader) credentials(s *section, p Project) {
	hasKey, hasVertex := s.value("api_key") != nil, s.value("vertex") != nil
	switch {
	case hasKey && hasVertex:
		r.fail(s.key("vertex"), "this project has an api_key and vertex; one project is reached in one way")
	case !hasKey && !hasVertex:
		r.fail(s.key("name"), "this project has no credentials: give it an api_key, or vertex: {project: …}")
	case p.Upstream == plantain.Vertex && !hasVertex, p.Upstream != plantain.Vertex && hasVertex && p.Vertex.Project != "":
		r.fail(s.key("upstream"), "upstream: %s does not fit the credentials of this project", p.Upstream)
	}
}

// limits reads numbers by model. A model may be named in several ways, but once.
func (r *reader) limits(s *section, p *Project, known *gemini.Catalogue) {
	if s == nil {
		return
	}
	p.Limits = map[plantain.Model]map[plantain.Limit]int64{}
	for _, name := range s.keys {
		item := s.items[name]
		id, ok := r.model(item.Key, known)
		if !ok {
			continue
		}
		if _, twice := p.Limits[id]; twice {
			r.fail(item.Key, "limits: %q is one more name of %s, which has limits above", name, id)
		}
		p.Limits[id] = map[plantain.Limit]int64{}
		m := r.section("the limits of a model", item.Value)
		if m == nil {
			continue
		}
		for _, limit := range []plantain.Limit{plantain.LimitRPM, plantain.LimitIPM, plantain.LimitTPM, plantain.LimitRPD} {
			v := int64(-1)
			parsed(m, string(limit), &v, "a whole number of 0 or more", parseLimit)
			if v >= 0 {
				p.Limits[id][limit] = v
			}
		}
		m.end()
	}
}
