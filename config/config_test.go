package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/config"
	"github.com/plantainhq/plantain/gemini"
)

var update = flag.Bool("update", false, "write the expected files of testdata anew")

// The values of the environment hold a word that no error and no JSON may show.
var environment = map[string]string{
	"STUDIO_A_KEY":   "hidden-a",
	"STUDIO_B_KEY":   "hidden-b",
	"STUDIO_B_TIER":  "2",
	"STUDIO_C_KEY":   "hidden-c",
	"AGG_KEY":        "hidden-agg",
	"DB_PASSWORD":    "hidden-db",
	"GEMINI_API_KEY": "hidden-gemini",
}

func env(name string) string { return environment[name] }

func TestGoodFiles(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "testdata/*.good.yaml") {
		c, err := config.Load(file, env)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		text, err := json.MarshalIndent(readable(reflect.ValueOf(*c)), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		compare(t, strings.TrimSuffix(file, ".yaml")+".json", string(text)+"\n")
	}
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "testdata/*.bad.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = config.Parse(filepath.Base(file), text, env)
		var bad *config.Error
		if !errors.As(err, &bad) {
			t.Errorf("%s: the error is %T %v", file, err, err)
			continue
		}
		compare(t, strings.TrimSuffix(file, ".yaml")+".err", bad.Error()+"\n")
	}
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(found), err)
	}
	return found
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if strings.Contains(got, "hidden") || strings.Contains(got, "AIza-not-to-be-shown") {
		t.Errorf("%s shows a secret:\n%s", file, got)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, []byte(got)) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

// readable is a value for JSON in which durations are words.
func readable(v reflect.Value) any {
	if !v.CanInterface() {
		return nil
	}
	switch value := v.Interface().(type) {
	case time.Duration:
		return value.String()
	case fmt.Formatter:
		return fmt.Sprint(value)
	}
	switch v.Kind() {
	case reflect.Struct:
		fields := map[string]any{}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Tag.Get("json") != "-" {
				fields[f.Name] = readable(v.Field(i))
			}
		}
		return fields
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, readable(v.Index(i)))
		}
		return list
	default:
		return v.Interface()
	}
}

func TestSecretsArriveWhole(t *testing.T) {
	t.Parallel()
	c, err := config.Load("testdata/full.good.yaml", env)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Projects[0].APIKey.Reveal(); got != "hidden-a" {
		t.Errorf("key %q", got)
	}
	if got := c.Store.Reveal(); got != "postgres://plantain:hidden-db@db:5432/plantain" {
		t.Errorf("store %q", got)
	}
	if e, ok := c.Catalogue.Lookup("house"); !ok || e.Price.Image != 3000 {
		t.Errorf("the override of the catalogue: %v %v", e.Price, ok)
	}
}

func TestDefaultsAreThoseOfTheDesign(t *testing.T) {
	t.Parallel()
	c, err := config.Load("testdata/design.good.yaml", env)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	if c.Store.Reveal() != want.Store.Reveal() {
		t.Errorf("store %q, want %q", c.Store.Reveal(), want.Store.Reveal())
	}
	got := *c
	got.Projects, got.FallbackModels, got.Named = nil, nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the file that spells out the defaults gives\n%+v\nwant\n%+v", got, want)
	}
}

func TestFromEnv(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		env  map[string]string
		key  string
		base string
		err  string
	}{
		{"gemini", map[string]string{"GEMINI_API_KEY": " g \n"}, "g", "", ""},
		{"google", map[string]string{"GOOGLE_API_KEY": "k"}, "k", "", ""},
		{"google wins", map[string]string{"GEMINI_API_KEY": "g", "GOOGLE_API_KEY": "k"}, "k", "", ""},
		{"upstream", map[string]string{"GEMINI_API_KEY": "g", "PLANTAIN_UPSTREAM": "http://127.0.0.1:9797/"}, "g", "http://127.0.0.1:9797", ""},
		{"bad upstream", map[string]string{"GEMINI_API_KEY": "g", "PLANTAIN_UPSTREAM": "localhost:9797"}, "", "",
			"PLANTAIN_UPSTREAM: a base URL is http:// or https:// and the name or address of a host, such as https://aggregator.example"},
		{"no key", nil, "", "", "no API key: set GEMINI_API_KEY to a key from https://aistudio.google.com/apikey, " +
			"or list your projects in plantain.yaml; `plantain demo` needs no key"},
		{"odd key", map[string]string{"GEMINI_API_KEY": "two words"}, "", "",
			"GEMINI_API_KEY holds white space or other characters that no API key has"},
	} {
		got, err := config.FromEnv(func(name string) string { return c.env[name] })
		if err != nil {
			if err.Error() != c.err {
				t.Errorf("%s: %v, want %s", c.name, err, c.err)
			}
			continue
		}
		want := config.Default()
		want.OfEnv = true
		want.Projects = []config.Project{{
			Name: "default", Upstream: plantain.Gemini, APIKey: plantain.NewSecret(c.key), BaseURL: c.base,
			Tier: 1, PricePermille: 1000, Weight: 1,
		}}
		if c.err != "" || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: %+v, want %+v or the error %q", c.name, *got, want, c.err)
		}
	}
}

func TestAFileWithoutProjectsAndAnEnvironmentWithoutKey(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	c, err := config.Parse("plantain.yaml", []byte("store: sqlite:other.db"), none)
	var bad *config.Error
	if !errors.As(err, &bad) || !bad.Keyless || !strings.HasPrefix(err.Error(), "plantain.yaml: no API key: set GEMINI_API_KEY") {
		t.Errorf("%v", err)
	}
	if c == nil || c.Store.Reveal() != "sqlite:other.db" {
		t.Errorf("what needs no key does not get the rest: %+v", c)
	}
	if c, err := config.Parse("plantain.yaml", []byte("stroe: sqlite:other.db"), none); c != nil || errors.As(err, &bad) && bad.Keyless {
		t.Errorf("a wrong file: %+v, %v", c, err)
	}
	const named = "projects: [{name: a, api_key: \"${A_KEY}\"}]\nspend_alerts: {webhook: \"${HOOK}\", day_usd: [5]}\n"
	c, err = config.Parse("plantain.yaml", []byte(named+"store: sqlite:other.db"), none)
	if !errors.As(err, &bad) || !bad.Keyless || c == nil || c.Store.Reveal() != "sqlite:other.db" || len(c.Projects) > 0 {
		t.Errorf("what needs no key does not get the rest: %+v, %v", c, err)
	}
	for _, wrong := range []string{"listen: ${LISTEN}", "retry: {attempts: none}", "store: \"sqlite:${STORE}\""} {
		if c, err := config.Parse("plantain.yaml", []byte(named+wrong), none); c != nil || errors.As(err, &bad) && bad.Keyless {
			t.Errorf("%s: %+v, %v", wrong, c, err)
		}
	}
}

func TestAMissingFileIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), env); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestTiersAndUpstreams(t *testing.T) {
	t.Parallel()
	c, err := config.Load("testdata/full.good.yaml", env)
	if err != nil {
		t.Fatal(err)
	}
	want := map[plantain.ProjectName]plantain.Project{
		"studio-a":      {Kind: plantain.Gemini, Tier: 1},
		"studio-b":      {Kind: plantain.Gemini, Tier: 2},
		"studio-c":      {Kind: plantain.Gemini, Tier: gemini.FreeTier},
		"vertex":        {Kind: plantain.Vertex},
		"vertex-global": {Kind: plantain.Vertex},
		"agg":           {Kind: plantain.Compatible},
		"sim":           {Kind: plantain.Gemini, Tier: 2},
		"proxy":         {Kind: plantain.Gemini, Tier: 1},
	}
	for _, p := range c.Projects {
		if w := want[p.Name]; p.Upstream != w.Kind || p.Tier != w.Tier {
			t.Errorf("%s: %s of tier %d, want %s of tier %d", p.Name, p.Upstream, p.Tier, w.Kind, w.Tier)
		}
	}
}

func hiddenWord(name string) string {
	if name == "PLANTAIN_UPSTREAM" {
		return ""
	}
	return "hidden-word"
}

// FuzzConfig: no text makes it panic, every problem has a place in the file, and
// no message shows what the environment holds.
func FuzzConfig(f *testing.F) {
	for _, pattern := range []string{"testdata/*.good.yaml", "testdata/*.bad.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range found {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := config.Parse("plantain.yaml", text, hiddenWord)
		if err == nil {
			if len(c.Projects) == 0 || c.Catalogue == nil || c.Timeout <= 0 {
				t.Errorf("a config that was not checked: %+v", c)
			}
			return
		}
		var bad *config.Error
		if !errors.As(err, &bad) || len(bad.Problems) == 0 {
			t.Fatalf("the error is %T %v", err, err)
		}
		if strings.Contains(err.Error(), "hidden-word") && !bytes.Contains(text, []byte("hidden-word")) {
			t.Errorf("an error shows the environment: %v", err)
		}
		for _, p := range bad.Problems {
			if p.Line < 1 || p.Column < 1 || p.Line > 2+bytes.Count(text, []byte("\n")) {
				t.Errorf("no such place: %+v", p)
			}
		}
	})
}
