package thread

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A drawnPart is a part of a conversation that is drawn at random, with what is to
// become of its signature.
type drawnPart struct {
	text    string
	picture []byte
	thought bool
	state   string // kept, dropped, empty or null
	want    string // the signature that it must have in the end; empty: none
}

// The healed JSON is the JSON that came with the signatures put in, whatever its white
// space, its spelling and its words; a request that lacks none is the same to the byte.
func TestNothingButSignaturesChanges(t *testing.T) {
	t.Parallel()
	m := remembers(t, "studio")
	rapid.Check(t, func(r *rapid.T) {
		var came, want []any
		lacks := false
		user := func() {
			turn := map[string]any{"role": "user", "parts": []any{map[string]any{"text": rapid.String().Draw(r, "prompt")}}}
			came, want = append(came, turn), append(want, turn)
		}
		user()
		for range rapid.IntRange(0, 4).Draw(r, "turns") {
			var before, after []any
			for _, p := range drawTurn(r) {
				lacks = lacks || p.want != "" && p.state != "kept"
				before, after = append(before, p.came()), append(after, p.healed())
			}
			came = append(came, map[string]any{"role": "model", "parts": before})
			want = append(want, map[string]any{"parts": after, "role": "model"})
			user()
		}
		body := string(written(r, map[string]any{"contents": came, "generationConfig": map[string]any{"seed": 7}}))
		got, how := heal(t, m, "studio", body)
		if !lacks && (got != body || how != Untouched) {
			r.Fatalf("changed what was right (%s):\n%s\n%s", how, body, got)
		}
		if lacks && how == Untouched {
			r.Fatalf("left as it came: %s", body)
		}
		var tree any
		if err := json.Unmarshal([]byte(got), &tree); err != nil {
			r.Fatalf("%v in %s", err, got)
		}
		expected := plain(map[string]any{"contents": want, "generationConfig": map[string]any{"seed": 7.0}})
		if !reflect.DeepEqual(plain(tree), expected) {
			r.Fatalf("from\n%s\ncame\n%s\nwant\n%v", short(body), short(got), expected)
		}
		flat, _ := flatten(t, body)
		if !json.Valid([]byte(flat)) || strings.Contains(flat, "KEPT") {
			r.Fatalf("flat: %s", short(flat))
		}
	})
}

func drawTurn(r *rapid.T) []drawnPart {
	known := map[string]string{"Here is a fox. ": "SIG-TEXT-1", "Which do you like?": "SIG-WORDS"}
	shades := map[uint8]string{0: "SIG-FOX+/=", 40: "SIG-OWL"}
	parts := make([]drawnPart, rapid.IntRange(1, 4).Draw(r, "parts"))
	first, run := true, false // the next is the first that counts; it is behind the first text
	for i := range parts {
		p := &parts[i]
		p.thought = rapid.IntRange(0, 3).Draw(r, "thought") == 0
		p.state = rapid.SampledFrom([]string{"kept", "dropped", "dropped", "empty", "null"}).Draw(r, "state")
		if rapid.Bool().Draw(r, "picture") {
			shade := rapid.SampledFrom([]uint8{0, 40, 80, 120}).Draw(r, "shade")
			p.picture = paint(shade)
			p.want = or(shades[shade], Dummy)
		} else {
			p.text = rapid.SampledFrom([]string{"Here is a fox. ", "Which do you like?", "ein \"Fuchs\" \\ 狐 🦊\n"}).Draw(r, "text")
			p.want = or(known[p.text], Dummy)
		}
		switch {
		case p.thought:
			p.want, run = "", false
		case p.picture != nil:
			first, run = false, false
		case run:
			p.state, p.want = "dropped", "" // a run of texts has tests of its own: its words are known joined
			p.text = ""
		case !first:
			p.want, run = "", false
		default:
			first, run = false, true
		}
		if p.want == "" && p.state == "kept" {
			p.state = "dropped"
		}
		if p.state == "kept" {
			p.want = fmt.Sprint("KEPT-", i)
		}
	}
	return parts
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func (p drawnPart) healed() map[string]any {
	m := map[string]any{}
	if p.picture != nil {
		m["inlineData"] = map[string]any{"mimeType": "image/png", "data": base64.StdEncoding.EncodeToString(p.picture)}
	} else {
		m["text"] = p.text
	}
	if p.thought {
		m["thought"] = true
	}
	switch {
	case p.want != "":
		m["thoughtSignature"] = p.want
	case p.state == "empty":
		m["thoughtSignature"] = ""
	case p.state == "null":
		m["thoughtSignature"] = nil
	}
	return m
}

func (p drawnPart) came() map[string]any {
	m := p.healed()
	switch p.state {
	case "dropped":
		delete(m, "thoughtSignature")
	case "empty":
		m["thoughtSignature"] = ""
	case "null":
		m["thoughtSignature"] = nil
	}
	return m
}

// plain spells all names in camelCase.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			for from, to := range map[string]string{"thought_signature": "thoughtSignature", "inline_data": "inlineData", "mime_type": "mimeType"} {
				if name == from {
					name = to
				}
			}
			out[name] = plain(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	default:
		return v
	}
}

// written writes JSON as clients do: with white space, in either spelling, its members
// in any order.
func written(r *rapid.T, v any) []byte {
	space := func() string { return rapid.SampledFrom([]string{"", "", " ", "\n\t", "\r\n  "}).Draw(r, "space") }
	switch v := v.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(v)) // the same for the same draws
		if len(names) > 1 {
			names = rapid.Permutation(names).Draw(r, "order")
		}
		var members []string
		for _, name := range names {
			spelt := name
			if rapid.Bool().Draw(r, "snake") {
				spelt = strings.NewReplacer("thoughtSignature", "thought_signature", "inlineData", "inline_data", "mimeType", "mime_type").Replace(name)
			}
			members = append(members, space()+`"`+spelt+`"`+space()+":"+space()+string(written(r, v[name]))+space())
		}
		return []byte("{" + strings.Join(members, ",") + "}")
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, space()+string(written(r, item))+space())
		}
		return []byte("[" + strings.Join(items, ",") + "]")
	default:
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return b
	}
}
