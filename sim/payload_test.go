package sim

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// What the parser takes must be JSON, and what is JSON it must take.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,"x\"\\y",true,null,{}],"b_c":""}`, `[`, `"\u00e9"`, `{"a":1,}`, ` 1 `, "\"\x01\"", `"\q"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !utf8.Valid(b) || bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) > 100 {
			t.Skip("refused here, not by encoding/json")
		}
		v, err := parse(b)
		if (err == nil) != json.Valid(b) {
			t.Errorf("%q: %v, encoding/json says %v", b, err, json.Valid(b))
		}
		if err == nil && v.kind == '"' {
			var want string
			if json.Unmarshal(b, &want); v.text() != want {
				t.Errorf("%q reads %q, want %q", b, v.text(), want)
			}
		}
	})
}
