package verdict_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/verdict"
)

// sentAgain are the classes after which a gateway sends a request again.
var sentAgain = map[plantain.Class]bool{
	plantain.QuotaUnknown: true, plantain.RateMinute: true, plantain.RateDay: true, plantain.QuotaZero: true,
	plantain.Billing: true, plantain.Capacity: true, plantain.ServerError: true, plantain.Timeout: true,
	plantain.KeyInvalid: true, plantain.Permission: true, plantain.Region: true, plantain.ThoughtSignature: true,
}

// A judged is a case with the verdict on it as it stands.
type judged struct {
	labelled
	verdict plantain.Verdict
}

func judgedCases(t testing.TB) []judged {
	var all []judged
	cases := ownCases(t)
	if present(visible) {
		cases = append(cases, readCases(t, visible)...)
	}
	for _, c := range cases {
		all = append(all, judged{c, verdict.Judge(c.facts())})
	}
	return all
}

// Another order of keys, snake case, white space, numbers as strings, unknown
// details, another language beside the message, and any chunks say the same.
func TestVerdictDoesNotHangOnTheDressOfABody(t *testing.T) {
	t.Parallel()
	cases := judgedCases(t)
	rapid.Check(t, func(t *rapid.T) {
		d := dress{
			order:   rapid.Bool().Draw(t, "key order"),
			snake:   rapid.Bool().Draw(t, "snake case"),
			camel:   rapid.Bool().Draw(t, "camel case"),
			spaced:  rapid.Bool().Draw(t, "white space"),
			numbers: rapid.Bool().Draw(t, "numbers as strings"),
			extra:   rapid.Bool().Draw(t, "unknown details"),
			chunk:   rapid.SampledFrom([]int{0, 1, 7, 64, 1000}).Draw(t, "chunk"),
			rand:    rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)),
		}
		for _, c := range cases {
			body := d.change(c.Body)
			got := verdict.Judge(d.scan(c, body))
			if got.Class != c.verdict.Class || got.Charged != c.verdict.Charged || got.Limit != c.verdict.Limit || got.Stated != c.verdict.Stated {
				t.Fatalf("%s: %v, charged %v, %v, %v; want %v, charged %v, %v, %v\n%s", c.ID, got.Class, got.Charged, got.Limit, got.Stated,
					c.verdict.Class, c.verdict.Charged, c.verdict.Limit, c.verdict.Stated, body)
			}
		}
	})
}

// A cut body keeps its class, or becomes what its status alone says, or what
// cannot be told. It never turns into a success, nor what may have been charged
// into something that is sent again.
func TestCutBodyNeverCostsTwice(t *testing.T) {
	t.Parallel()
	cases := judgedCases(t)
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Float64Range(0, 1).Draw(t, "cut at")
		stage := rapid.SampledFrom([]plantain.Stage{plantain.Reading, plantain.Done}).Draw(t, "stage")
		for _, c := range cases {
			body := []byte(c.Body)[:int(at*float64(len(c.Body)))]
			if len(body) == 0 && stage == plantain.Done {
				continue // an empty answer that is whole is another answer
			}
			f := factsOf(c.Status, c.ContentType, c.Headers, body)
			f.Stage = stage
			got := verdict.Judge(f)
			// A text that was cut looks whole, and so may a stream between two events.
			shows := stage == plantain.Reading || f.Body.Form != gemini.FormText && !f.Body.Complete
			paidTwice := shows && sentAgain[got.Class] && c.verdict.Charged != plantain.ChargedNo
			if c.Fidelity == "client-text" && got.Class != plantain.Success && !paidTwice {
				continue // a shorter text of a client, under a status that may stand in, says less
			}
			if why := worse(c, got, shows); why != "" {
				t.Fatalf("%s (%v): %s\n%s", c.ID, c.verdict.Class, why, body)
			}
		}
	})
}

// Gateways and SDKs wrap an error in strings of their own, under a status of their
// own. It stays what it is.
func TestVerdictSurvivesWrapping(t *testing.T) {
	t.Parallel()
	quoted := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	wrappings := map[string]func(body string) (status int, wrapped string){
		"an SDK's error": func(s string) (int, string) {
			return 0, `{"error":{"message":` + quoted(s) + `,"code":400,"status":"Bad Request"}}`
		},
		"a gateway's 500": func(s string) (int, string) {
			return 500, `{"error":{"message":` + quoted("upstream answered: "+s) + `,"type":"upstream_error","code":"bad_response"}}`
		},
		"a router": func(s string) (int, string) {
			return 502, `{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":` + quoted(s) + `,"provider_name":"Google"}},"user_id":"u"}`
		},
		"twice": func(s string) (int, string) {
			return 500, `{"detail":` + quoted(`{"error":{"message":`+quoted(s)+`}}`) + `}`
		},
		"objects": func(s string) (int, string) { return 500, `{"ok":false,"result":{"upstream":` + s + `}}` },
		"a list":  func(s string) (int, string) { return 0, "[" + s + "]" },
		"JavaScript's text": func(s string) (int, string) {
			return 0, "ApiError: " + s + "\n    at throwErrorIfNotOK (file:///app/node_modules/@google/genai/dist/node/index.mjs:13:5)"
		},
		"a log line": func(s string) (int, string) {
			return 0, "2026-11-24T10:00:00Z ERROR worker[7] image failed err=" + quoted(s) + " attempt=2"
		},
		"Python's bytes": func(s string) (int, string) {
			return 0, "litellm.BadRequestError: VertexAIException - b'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`, "\t", `\t`).Replace(s) + "'"
		},
	}
	for _, c := range judgedCases(t) {
		if c.Status < 400 || c.Surface == "compatible" || !strings.HasPrefix(c.Body, "{") || !json.Valid([]byte(c.Body)) {
			continue // Google's errors carry their code with them; those of others may not
		}
		for name, wrap := range wrappings {
			status, body := wrap(c.Body)
			if status == 0 {
				status = c.Status
			}
			got := verdict.Judge(factsOf(status, "", c.Headers, []byte(body)))
			if got.Class != c.verdict.Class || got.Limit != c.verdict.Limit || got.Stated != c.verdict.Stated ||
				got.Charged != c.verdict.Charged && got.Charged != plantain.ChargedUnknown {
				t.Errorf("%s in %s: %v, charged %v, %v, %v; want %v, charged %v, %v, %v\n%s", c.ID, name, got.Class, got.Charged, got.Limit, got.Stated,
					c.verdict.Class, c.verdict.Charged, c.verdict.Limit, c.verdict.Stated, body)
			}
		}
	}
}

// Google's message in another language, or of other words, leaves status,
// reasons and fields.
func TestVerdictDoesNotTrustWordsAlone(t *testing.T) {
	t.Parallel()
	for _, c := range judgedCases(t) {
		body, ok := inOtherWords(c.Body)
		if !ok {
			continue
		}
		got := verdict.Judge(factsOf(c.Status, c.ContentType, c.Headers, body))
		if why := worse(c, got, false); why != "" {
			t.Errorf("%s (%v): %s\n%s", c.ID, c.verdict.Class, why, body)
		}
	}
}

// worse says what a verdict on a damaged body must not be.
func worse(c judged, got plantain.Verdict, cut bool) string {
	if got.Class == c.verdict.Class {
		if got.Charged == plantain.ChargedNo && c.verdict.Charged != plantain.ChargedNo {
			return "it counts as free"
		}
		return ""
	}
	switch {
	case got.Class == plantain.Success:
		return "it counts as a success"
	case sentAgain[got.Class] && c.verdict.Charged != plantain.ChargedNo:
		return "it counts as " + got.Class.String() + ", which is sent again"
	case got.Class == plantain.Unclassifiable || got.Class == plantain.Unanswered || !cut:
		return ""
	case c.verdict.Class == plantain.QuotaZero && got.Class == plantain.RateDay:
		return "" // that the limit is 0 stood behind the cut
	case got.Class == plantain.QuotaUnknown && got.Charged == plantain.ChargedNo:
		return "" // which quota stood behind the cut
	}
	bare := gemini.Body{Form: gemini.FormJSON, Complete: true, Errors: []gemini.ErrorFacts{{Code: int64(c.Status)}}}
	alone := verdict.Judge(gemini.Facts{Stage: plantain.Done, Status: c.Status, Body: bare})
	if got.Class != alone.Class {
		return "it counts as " + got.Class.String()
	}
	return ""
}

// A dress changes how a body is written, not what it says.
type dress struct {
	order, snake, camel, spaced, numbers, extra bool

	chunk int
	rand  *rand.Rand
}

func (d dress) scan(c judged, body []byte) gemini.Facts {
	if d.chunk == 0 {
		return factsOf(c.Status, c.ContentType, c.Headers, body)
	}
	s := gemini.NewScanner(c.ContentType)
	for rest := body; len(rest) > 0; {
		n := min(d.chunk, len(rest))
		s.Write(rest[:n])
		rest = rest[n:]
	}
	f := factsOf(c.Status, c.ContentType, c.Headers, nil)
	f.Body = s.Finish()
	return f
}

// change dresses a body of JSON, or each line of an event stream that is JSON.
func (d dress) change(body string) []byte {
	if value, ok := readJSON(body); ok {
		return d.write(value, d.spaced)
	}
	lines := strings.SplitAfter(body, "\n")
	for i, line := range lines {
		data, isData := strings.CutPrefix(line, "data: ")
		if value, ok := readJSON(data); isData && ok {
			end := line[len(strings.TrimRight(line, "\r\n")):]
			lines[i] = "data: " + string(d.write(value, false)) + end
		}
	}
	return []byte(strings.Join(lines, ""))
}

func (d dress) write(v any, spaced bool) []byte {
	var b bytes.Buffer
	d.value(&b, v, "")
	if !spaced {
		return b.Bytes()
	}
	var out bytes.Buffer
	if json.Indent(&out, b.Bytes(), "\t", "  ") != nil {
		return b.Bytes()
	}
	return append([]byte("\r\n  "), append(out.Bytes(), "\n \n"...)...)
}

// A member is one of an object whose order is kept.
type member struct {
	key   string
	value any
}

func (d dress) value(b *bytes.Buffer, v any, key string) {
	switch v := v.(type) {
	case []member:
		d.object(b, v, key)
	case []any:
		if key == "details" && d.extra {
			v = append([]any{[]member{{"@type", "type.googleapis.com/google.rpc.Unheard"}, {"note", "x"}}}, v...)
		}
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			d.value(b, e, "")
		}
		b.WriteByte(']')
	case json.Number:
		if d.numbers && !strings.ContainsAny(v.String(), ".eE") {
			b.WriteString(`"` + v.String() + `"`)
			return
		}
		b.WriteString(v.String())
	default:
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		b.Write(text)
	}
}

func (d dress) object(b *bytes.Buffer, members []member, key string) {
	members = append([]member(nil), members...)
	if d.extra && key != "unheard" && len(members) > 0 { // {} with something in it is another body
		members = append(members, member{"unheard", []member{{"of", json.Number("1")}}})
	}
	if d.order {
		d.rand.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	}
	b.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		name, value := m.key, m.value
		if key != "metadata" { // a map, whose keys are not fields
			name = d.spell(m.key)
		}
		if key == "" && m.key == "message" && isLocalized(members) {
			value = "Eine Meldung in einer anderen Sprache."
		}
		text, err := json.Marshal(name)
		if err != nil {
			panic(err)
		}
		b.Write(text)
		b.WriteByte(':')
		d.value(b, value, m.key)
	}
	b.WriteByte('}')
}

func isLocalized(members []member) bool {
	for _, m := range members {
		if m.key == "locale" {
			return true
		}
	}
	return false
}

func (d dress) spell(key string) string {
	switch {
	case d.snake:
		var b strings.Builder
		for _, c := range key {
			if c >= 'A' && c <= 'Z' {
				b.WriteByte('_')
				c += 'a' - 'A'
			}
			b.WriteRune(c)
		}
		return b.String()
	case d.camel && !strings.HasPrefix(key, "_"):
		parts := strings.Split(key, "_")
		for i := 1; i < len(parts); i++ {
			if p := parts[i]; p != "" && p[0] >= 'a' && p[0] <= 'z' {
				parts[i] = strings.ToUpper(p[:1]) + p[1:]
			}
		}
		return strings.Join(parts, "")
	default:
		return key
	}
}

// inOtherWords replaces the words of Google's own messages.
func inOtherWords(body string) ([]byte, bool) {
	value, ok := readJSON(body)
	if !ok {
		return nil, false
	}
	changed := translate(value)
	return dress{}.write(value, false), changed
}

// translate changes messages in place: those of an error with a gRPC name, and
// those beside a finish or block reason.
func translate(v any) (changed bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			changed = translate(e) || changed
		}
	case []member:
		google := false
		for _, m := range v {
			s, isText := m.value.(string)
			google = google || m.key == "status" && isText && s == strings.ToUpper(s)
		}
		for i := range v {
			switch key := v[i].key; {
			case key == "message" && google, key == "finishMessage", key == "blockReasonMessage":
				v[i].value, changed = "请求无法处理，请稍后再试。", true
			default:
				changed = translate(v[i].value) || changed
			}
		}
	}
	return changed
}

// readJSON reads one JSON value and keeps the order of its members.
func readJSON(s string) (any, bool) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	v, err := readValue(d)
	return v, err == nil && !d.More()
}

func readValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		all := []member{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := readValue(d)
			if err != nil {
				return nil, err
			}
			all = append(all, member{key.(string), v})
		}
		_, err = d.Token()
		return all, err
	case json.Delim('['):
		all := []any{}
		for d.More() {
			v, err := readValue(d)
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		_, err = d.Token()
		return all, err
	}
	return t, nil
}
