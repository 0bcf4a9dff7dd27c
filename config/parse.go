package config

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// Parse is [Load] for a text that is at hand; file is its name in errors.
func Parse(file string, text []byte, env func(string) string) (*Config, error) {
	c := Default()
	r := &reader{env: env, anchors: map[string]ast.Node{}}
	top, e := r.top(text)
	if e == nil {
		r.config(top, text, &c)
		c.Named = r.named
		if len(r.problems) > 0 {
			e = &Error{Problems: r.problems, Keyless: !slices.ContainsFunc(r.problems, func(p Problem) bool { return !p.keyless })}
			e.sort()
		}
	}
	if e == nil && len(c.Projects) == 0 {
		e = c.fromEnv(env)
	}
	if e == nil {
		return &c, nil
	}
	e.File, c.Projects = file, nil
	return e.with(&c)
}

// top gives the map that a file is, empty where the file is.
func (r *reader) top(text []byte) (*section, *Error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, syntaxError(err)
	}
	if len(file.Docs) > 1 {
		return nil, &Error{Problems: []Problem{{Line: 1, Column: 1, Message: "more than one YAML document"}}}
	}
	empty := &section{reader: r, name: "the file", items: map[string]*ast.MappingValueNode{}}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return empty, nil
	}
	body := file.Docs[0].Body
	if body.Type() == ast.NullType {
		return empty, nil
	}
	ast.Walk(r, body)
	if s := r.section("the file", body); s != nil {
		return s, nil
	}
	return empty, nil
}

// syntaxError keeps the place and the message of the YAML library and drops the
// excerpt that it prints: a secret may stand there.
func syntaxError(err error) *Error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return &Error{Problems: []Problem{{Line: 1, Column: 1, Message: "this is not YAML"}}}
	}
	where := at.GetToken().Position
	return &Error{Problems: []Problem{{Line: where.Line, Column: max(where.Column, 1), Message: at.GetMessage()}}}
}

func (r *reader) config(s *section, text []byte, c *Config) {
	r.catalogue(s, text, c) // first, for the models that the rest may name
	parsed(s, "listen", &c.Listen, "host:port, such as 127.0.0.1:8787", parseListen)
	r.store(s, c)
	r.images(s, c)
	r.projects(s, c)
	r.retry(s.under("retry"), &c.Retry)
	if q := s.under("queue"); q != nil {
		q.duration("max_wait", &c.Queue.MaxWait)
		q.count("max_length", &c.Queue.MaxLength, 0)
		q.end()
	}
	if b := s.under("billing"); b != nil {
		parsed(b, "filtered", &c.Billing.Filtered, "charged or free", parseFiltered)
		b.end()
	}
	if cl := s.under("clients"); cl != nil {
		cl.count("concurrency", &c.Clients.Concurrency, 0)
		cl.end()
	}
	if k := s.under("retention"); k != nil {
		k.age("images", &c.Retention.Images)
		k.most("images_max", &c.Retention.ImagesMax)
		parsed(k, "prompts", &c.Retention.Prompts, "true or false", parseBool)
		k.age("signatures", &c.Retention.Signatures)
		k.most("signatures_max", &c.Retention.SignaturesMax)
		k.age("idempotency", &c.Retention.Idempotency)
		k.most("idempotency_max", &c.Retention.IdempotencyMax)
		k.age("filtered", &c.Retention.Filtered)
		k.end()
	}
	r.spendAlerts(s.under("spend_alerts"), &c.SpendAlerts)
	for _, n := range s.list("fallback_models") {
		if m, ok := r.model(n, c.Catalogue); ok {
			c.FallbackModels = append(c.FallbackModels, m)
		}
	}
	parsed(s, "status_feed", &c.StatusFeed, "a URL or off", parseFeed)
	if p := s.under("spool"); p != nil {
		p.bytes("memory", &c.Spool.Memory)
		p.end()
	}
	s.duration("timeout", &c.Timeout)
	if c.Timeout == 0 {
		r.fail(s.key("timeout"), "timeout: an attempt needs time; 300s is the default")
	}
	s.end()
}

func (r *reader) retry(s *section, retry *Retry) {
	if s == nil {
		return
	}
	s.count("attempts", &retry.Attempts, 1)
	s.duration("base", &retry.Base)
	s.duration("cap", &retry.Cap)
	s.duration("max_wait", &retry.MaxWait)
	s.count("no_image", &retry.NoImage, 0)
	s.count("unknown", &retry.Unknown, 0)
	parsed(s, "budget", &retry.Budget, "a share such as 0.2 or 20%", parseShare)
	if retry.Cap < retry.Base {
		r.fail(s.key("cap"), "retry: base (%s) is longer than cap (%s)", retry.Base, retry.Cap)
	}
	s.end()
}

func (r *reader) spendAlerts(s *section, a *SpendAlerts) {
	if s == nil {
		return
	}
	if n := s.value("webhook"); n == nil {
		r.fail(s.key("webhook"), "spend_alerts: webhook is missing; write the URL that is to be told")
	} else if text, ok := r.secret(n); ok {
		if u, err := url.Parse(text); err != nil || !reachable(u) {
			r.fail(n, "webhook is an http:// or https:// URL") // which may be a secret
		}
		a.Webhook = plantain.NewSecret(text)
	}
	a.Day, a.Month = r.amounts(s, "day_usd"), r.amounts(s, "month_usd")
	if len(a.Day)+len(a.Month) == 0 && len(r.problems) == 0 {
		r.fail(s.node, "spend_alerts: no amount to tell of; write day_usd: [10, 25] or month_usd: [200]")
	}
	s.end()
}

// amounts reads a list of dollars.
func (r *reader) amounts(s *section, key string) (all []plantain.Nanodollars) {
	for _, n := range s.list(key) {
		text, raw, ok := r.scalar(n)
		if !ok {
			continue
		}
		amount, err := plantain.ParseDollars(text)
		if err != nil || amount == 0 {
			r.fail(n, "%s: %q is not an amount of dollars above zero such as 25 or 0.50", key, raw)
			continue
		}
		all = append(all, amount)
	}
	return all
}

func (r *reader) store(s *section, c *Config) {
	n := s.value("store")
	if n == nil {
		return
	}
	text, _, ok := r.scalar(n)
	if !ok {
		return
	}
	kind, rest, _ := strings.Cut(text, ":")
	switch {
	case rest == "":
	case strings.HasPrefix(rest, ":"):
		r.fail(n, "a store in memory would forget what was paid; write sqlite:FILE")
		return
	case kind == "sqlite", kind == "postgres", kind == "postgresql":
		c.Store = plantain.NewSecret(text)
		return
	}
	r.fail(n, "store is sqlite:FILE or postgres://…") // the value may hold a password
}

func (r *reader) images(s *section, c *Config) {
	n := s.value("images")
	if n == nil {
		return
	}
	text, _, ok := r.scalar(n)
	if !ok {
		return
	}
	folder, isFile := strings.CutPrefix(text, "file:")
	bucket, isS3 := strings.CutPrefix(text, "s3://")
	switch {
	case isS3 && strings.Contains(bucket, "@"):
		r.fail(n, "images: an s3 URL has no keys in it; they come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case isFile && folder != "", isS3 && bucket != "":
		c.Images = text
	default:
		r.fail(n, "images is file:FOLDER or s3://BUCKET?region=…")
	}
}

// model reads the name of a model that the catalogue knows, as its served id.
func (r *reader) model(n ast.Node, known *gemini.Catalogue) (plantain.Model, bool) {
	name, raw, ok := r.scalar(n)
	if !ok {
		return "", false
	}
	if e, ok := known.Lookup(plantain.Model(name)); ok {
		r.named = append(r.named, plantain.Model(name))
		return e.ID, true
	}
	var names []string
	for _, e := range known.Models() {
		names = append(names, string(e.ID))
		for _, alias := range e.Aliases {
			names = append(names, string(alias))
		}
		for _, old := range e.Old {
			names = append(names, string(old.ID))
		}
	}
	if near := nearest(name, names); near != "" {
		r.fail(n, "unknown model %q; did you mean %q?", raw, near)
	} else {
		r.fail(n, "unknown model %q; `plantain models` lists those that are known, and `catalogue:` adds one", raw)
	}
	return "", false
}

// catalogue lays the overrides of the file over the catalogue. Their text is cut
// out of the file with its lines kept, so that an error names the right one.
func (r *reader) catalogue(s *section, text []byte, c *Config) {
	n := s.value("catalogue")
	if n == nil {
		return
	}
	m, ok := n.(*ast.MappingNode)
	if top, isMap := r.resolve(s.node).(*ast.MappingNode); !ok || !isMap || top.IsFlowStyle {
		r.fail(n, "catalogue is a map of keys and values, written out under its key")
		return
	}
	last := 1 << 30
	for _, item := range s.items {
		if line := item.Key.GetToken().Position.Line; line > m.GetToken().Position.Line {
			last = min(last, line-1)
		}
	}
	lay, err := c.Catalogue.Override(cut(text, m, last))
	if err == nil {
		c.Catalogue = lay
		return
	}
	var at *gemini.CatalogueError
	if errors.As(err, &at) {
		r.problems = append(r.problems, Problem{Line: at.Line, Column: max(at.Column, 1), Message: "catalogue: " + at.Message})
		return
	}
	r.fail(n, "catalogue: %v", err)
}

// cut blanks all of a text but a map and the lines down to the last.
func cut(text []byte, m *ast.MappingNode, last int) []byte {
	start := m.GetToken().Position
	if !m.IsFlowStyle && len(m.Values) > 0 {
		start = m.Values[0].Key.GetToken().Position
	}
	lines := strings.SplitAfter(string(text), "\n")
	var out strings.Builder
	for i, line := range lines {
		switch number := i + 1; {
		case number < start.Line:
			out.WriteByte('\n')
		case number == start.Line:
			before := min(start.Column-1, len(line))
			out.WriteString(strings.Repeat(" ", before) + line[before:])
		case number <= last:
			out.WriteString(line)
		}
	}
	return []byte(out.String())
}

func parseFiltered(text string) (plantain.FilteredBilling, bool) {
	f := plantain.FilteredBilling(text)
	return f, f == plantain.FilteredCharged || f == plantain.FilteredFree
}

func parseFeed(text string) (string, bool) {
	if text == "" || text == "off" {
		return "", true
	}
	u, err := url.Parse(text)
	return text, err == nil && reachable(u)
}

// parseTier reads 1 to 3, and free or 0 for a project without billing.
func parseTier(text string) (int, bool) {
	if text == "free" || text == "0" {
		return gemini.FreeTier, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= 3
}

var projectName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func parseProjectName(text string) (plantain.ProjectName, bool) {
	return plantain.ProjectName(text), projectName.MatchString(text)
}
