package symptom

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

const page = "../docs/symptoms.md"

var update = flag.Bool("update", false, "write "+page)

func TestThePageIsThatOfTheTable(t *testing.T) {
	t.Parallel()
	want := render(Rows())
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/symptoms.md is not what symptom/table.yaml says; run go generate ./symptom")
	}
}

// render writes the table as a page.
func render(rows []Row) string {
	var b strings.Builder
	b.WriteString("<!-- Written by go generate ./symptom from symptom/table.yaml; change that. -->\n\n# What you see, why, and what to do\n\n" +
		"The same table answers in a terminal, in words of your own and with what the hour adds: `plantain symptom it keeps spinning`.\n" +
		"*Claimed* marks what users and third parties say and Google's pages do not confirm.\n")
	for _, part := range []struct {
		title string
		has   func(Row) bool
	}{
		{"Through the API", func(r Row) bool { return slices.Contains(r.Where, API) }},
		{"In the Gemini app", func(r Row) bool { return !slices.Contains(r.Where, API) }},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| what you see | charged? |\n|---|---|\n", part.title)
		for _, r := range rows {
			if part.has(r) {
				fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", cell(r.Title), r.ID, r.Charged.Answer)
			}
		}
		for _, r := range rows {
			if part.has(r) {
				renderRow(&b, r)
			}
		}
	}
	return b.String()
}

func renderRow(b *strings.Builder, r Row) {
	fmt.Fprintf(b, "\n### <a id=%q></a>%s\n\n", r.ID, r.Title)
	var see []string
	for _, s := range r.See {
		see = append(see, "“"+s+"”")
	}
	item := func(name, text string) {
		if text != "" {
			fmt.Fprintf(b, "- **%s**: %s\n", name, text)
		}
	}
	item("You see", strings.Join(see, ", "))
	item("Why", linked(r.Cause))
	item("Charged", r.Charged.Answer+". "+r.Charged.Why)
	item("What to do with the API", linked(r.API))
	item("What to do in the app", linked(r.App))
	var classes, sources []string
	for _, c := range r.Classes {
		classes = append(classes, "`"+c.String()+"`")
	}
	item("Verdict of an answer like that", strings.Join(classes, ", "))
	for _, s := range r.Sources {
		claimed := ""
		if s.Claimed {
			claimed = ", *claimed*"
		}
		sources = append(sources, fmt.Sprintf("%s: %s (%s%s)", s.Of, s.From, s.Date, claimed))
	}
	item("Sources", strings.Join(sources, "; "))
}

func linked(text string) string { return mention.ReplaceAllString(text, "$1 [$2](#$2)") }

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// Whatever a verdict can say, there is a row to read on in.
func TestEveryVerdictHasItsRow(t *testing.T) {
	t.Parallel()
	rows := map[plantain.Class]bool{}
	for _, r := range Rows() {
		for _, c := range r.Classes {
			rows[c] = true
		}
	}
	for _, c := range classes {
		if !rows[c] {
			t.Errorf("no row is about %s", c)
		}
		delete(rows, c)
	}
	for c := range rows {
		t.Errorf("%s is no class of a verdict", c)
	}
}

// Prices are the catalogue's; the row that weighs models against each other repeats
// four of them.
func TestThePricesOfARowAreThoseOfTheCatalogue(t *testing.T) {
	t.Parallel()
	i := slices.IndexFunc(Rows(), func(r Row) bool { return r.ID == "which-model" })
	why := Rows()[i].Charged.Why
	for _, name := range []plantain.Model{"gemini-3.1-flash-image", "gemini-3-pro-image"} {
		model, _ := gemini.DefaultCatalogue().Lookup(name)
		for _, size := range []string{"1K", "4K"} {
			exact := model.ImagePrice(size)
			short := strings.TrimRight(fmt.Sprintf("$%.3f", float64(exact)/float64(plantain.Dollar)), "0")
			if !strings.Contains(why, short+" ") && !strings.Contains(why, short+";") {
				t.Errorf("a picture of %s at %s costs %s, %s; the row says: %s", name, size, short, exact, why)
			}
		}
	}
}

// mention finds where a text sends the reader.
var mention = regexp.MustCompile(`\b([Ss]ee) ([a-z]+(?:-[a-z]+)*)`)

var classes = []plantain.Class{
	plantain.Success, plantain.QuotaUnknown, plantain.RateMinute, plantain.RateDay, plantain.QuotaZero, plantain.Billing, plantain.Capacity,
	plantain.ServerError, plantain.Timeout, plantain.Unanswered, plantain.ThoughtSignature, plantain.BadRequest, plantain.KeyInvalid,
	plantain.Permission, plantain.Region, plantain.ModelNotFound, plantain.SafetyPrompt, plantain.SafetyImage, plantain.Recitation,
	plantain.NoImage, plantain.Truncated,
}

func TestEveryRowSaysAllOfIt(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, r := range Rows() {
		ids[r.ID] = true
	}
	if len(ids) != len(Rows()) {
		t.Error("two rows have one id")
	}
	for _, r := range Rows() {
		for what, missing := range map[string]bool{
			"id": r.ID == "", "title": r.Title == "", "where": len(r.Where) == 0, "three phrasings": len(r.See) < 3, "cause": r.Cause == "",
			"charged": !slices.Contains([]string{"yes", "no", "depends"}, r.Charged.Answer), "why it is charged": r.Charged.Why == "",
			"what to do with the API": r.API == "", "what to do in the app": r.App == "", "sources": len(r.Sources) == 0,
		} {
			if missing {
				t.Errorf("%s lacks %s", r.ID, what)
			}
		}
		for _, s := range r.Sources {
			if s.Of == "" || s.From == "" || len(s.Date) < len("2026-03") {
				t.Errorf("%s: a source says too little: %+v", r.ID, s)
			}
		}
		for _, w := range r.Where {
			if w != API && w != App {
				t.Errorf("%s is seen in %q", r.ID, w)
			}
		}
		for _, f := range r.Live {
			if f != Midnight && f != Peak && f != Sky {
				t.Errorf("%s: %q is nothing of the moment", r.ID, f)
			}
		}
		for _, text := range []string{r.Cause, r.API, r.App, r.Charged.Why} {
			for _, m := range mention.FindAllStringSubmatch(text, -1) {
				if !ids[m[2]] {
					t.Errorf("%s sends the reader to %q, which is no row", r.ID, m[2])
				}
			}
		}
	}
}
