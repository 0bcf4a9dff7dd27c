package plantain_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/plantainhq/plantain"

// Arrows point down. A package may import what stands in its row, the standard
// library, and what is not ours. Whatever is not in the table is not allowed:
//
//	cmd/plantain    builds everything; the only importer of config and store
//	  faces         gateway   console   mcp                      bytes in, bytes out
//	  work          job   openai
//	  loop          relay                                        the one place that retries
//	  deciders      thread   pool   verdict   ledger   gallery   never import each other
//	  wire          gemini
//	  words         plantain                                     standard library only
//	store  -> plantain, pool, ledger, gallery, relay, job: implements Books and their small read stores
//	sim    -> nothing, or its bill would be no witness; its tests neither
//	capture, lint, symptom, doctor -> plantain, gemini, and verdict where they judge; called by cmd and the faces
//	config -> plantain, gemini
//	internal/spool -> nothing; carries bodies for whoever holds some
//	internal/shelf -> nothing; keeps files that are whole or not there
//
// A conformance suite, such as relay/bookstest, may import the package it stands
// in and what that one may.
//
// Tests may import what they like: they often need a neighbour to show a promise.
var (
	words    = []string{"."}
	wire     = with(words, "gemini")
	deciders = with(wire, "thread", "pool", "verdict", "ledger", "gallery")
	loop     = with(deciders, "internal/spool")
	work     = with(deciders, "relay")
	faces    = with(work, "capture", "lint", "symptom", "job", "openai")

	rows = map[string][]string{
		".":              nil,
		"gemini":         words,
		"verdict":        wire,
		"pool":           wire,
		"ledger":         wire,
		"thread":         with(wire, "internal/shelf"),
		"gallery":        with(wire, "internal/shelf"),
		"relay":          loop,
		"job":            work,
		"openai":         wire,
		"gateway":        faces,
		"console":        faces,
		"mcp":            faces,
		"store":          with(words, "pool", "ledger", "gallery", "relay", "job"),
		"capture":        with(wire, "verdict"),
		"lint":           with(wire, "verdict"),
		"symptom":        wire,
		"doctor":         with(wire, "verdict"),
		"config":         wire,
		"sim":            nil,
		"internal/spool": nil,
		"internal/shelf": nil,
		"cmd/plantain":   with(faces, "doctor", "gateway", "console", "mcp", "config", "store", "sim", "internal/spool"),
	}
	// becoming are packages that are not yet, or not yet all that they are to be: what
	// they import, and who imports them, is kept free.
	becoming = []string{"thread", "job", "openai", "lint", "console", "mcp"}
)

func with(below []string, more ...string) []string {
	return append(slices.Clone(below), more...)
}

func TestArrowsPointDown(t *testing.T) {
	t.Parallel()
	for dir, files := range source(t) {
		allowed, known := row(dir)
		if !known {
			t.Errorf("package %s has no row in arch_test.go: a new package earns one by a noun of the design and a sentence in ARCHITECTURE.md", dir)
			continue
		}
		for name, file := range files {
			if strings.HasSuffix(name, "_test.go") && dir != "sim" {
				continue
			}
			for _, imported := range imports(t, file) {
				if imported == module {
					imported = module + "/."
				}
				ours, isOurs := strings.CutPrefix(imported, module+"/")
				if isOurs && !slices.Contains(allowed, ours) {
					t.Errorf("%s imports %s; arch_test.go allows it %s", path.Join(dir, name), ours, strings.Join(allowed, ", "))
				}
			}
		}
	}
}

// An arrow that nobody needs invites somebody to use it.
func TestEveryArrowIsUsed(t *testing.T) {
	t.Parallel()
	for dir, files := range source(t) {
		used := map[string]bool{}
		for name, file := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, imported := range imports(t, file) {
				used[strings.TrimPrefix(imported, module+"/")] = true
			}
		}
		used["."] = used[module]
		for _, allowed := range rows[dir] {
			if !used[allowed] && !slices.Contains(becoming, allowed) && !slices.Contains(becoming, dir) {
				t.Errorf("%s may import %s and does not: take it out of its row in arch_test.go", dir, allowed)
			}
		}
	}
}

// row gives what a package may import. A suite X/Ytest is below X.
func row(dir string) (allowed []string, known bool) {
	if allowed, known = rows[dir]; known {
		return allowed, true
	}
	parent := path.Dir(dir)
	if allowed, known = rows[parent]; known && strings.HasSuffix(dir, "test") {
		return with(allowed, parent), true
	}
	return nil, false
}

func TestTheWordsNeedOnlyTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for name, file := range source(t)["."] {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, imported := range imports(t, file) {
			if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	for dir, files := range source(t) {
		said := slices.ContainsFunc(slices.Collect(maps.Values(files)), func(f *ast.File) bool { return f.Doc != nil })
		if !said {
			t.Errorf("package %s has no comment that says what it decides and what it does not know", dir)
		}
	}
}

// source parses the Go files of this module, by folder and name. Modules of their
// own, such as e2e, are not part of it.
func source(t *testing.T) map[string]map[string]*ast.File {
	t.Helper()
	found := map[string]map[string]*ast.File{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(file, d.Name())
		}
		if filepath.Ext(file) != ".go" {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(file))
		if found[dir] == nil {
			found[dir] = map[string]*ast.File{}
		}
		found[dir][d.Name()] = parsed
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// enter skips what the go command skips.
func enter(folder, name string) error {
	if folder == "." {
		return nil
	}
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	if err == nil || name == "testdata" || name == "node_modules" || name[0] == '.' || name[0] == '_' {
		return filepath.SkipDir
	}
	return nil
}

func imports(t *testing.T, file *ast.File) []string {
	t.Helper()
	var paths []string
	for _, spec := range file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

// The table of packages and the table of dependencies are read by newcomers, so
// they may not fall behind.
func TestArchitectureNamesEveryPackageAndDependency(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for dir := range source(t) {
		if _, hasRow := rows[dir]; hasRow && dir != "." && !strings.Contains(string(text), "`"+dir+"`") {
			t.Errorf("ARCHITECTURE.md does not say why %s exists", dir)
		}
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(mod), "\n") {
		line = strings.TrimPrefix(line, "require ")
		name, version, isRequire := strings.Cut(strings.TrimSpace(line), " v")
		if isRequire && !strings.Contains(version, "// indirect") && !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("ARCHITECTURE.md does not say what %s spares us", name)
		}
	}
}
