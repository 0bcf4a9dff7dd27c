package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// listed are the models that a project lists; nil: it has no list that can be read.
func (p *patient) listed() (ids []plantain.Model) {
	if !p.list().good() {
		return nil
	}
	var page struct {
		Models []struct{ Name plantain.Model }
	}
	if json.Unmarshal(p.list().body, &page) != nil {
		return nil
	}
	for _, m := range page.Models {
		ids = append(ids, gemini.BareModel(m.Name))
	}
	return ids
}

// models tells whether a project may use the models that are asked for.
func (p *patient) models(d *Doctor) Finding {
	ids := p.listed()
	if len(ids) == 0 {
		return skipped("There is no list of the project's models.")
	}
	var missing, there, ends []string
	for _, e := range d.inUse() {
		gone := !slices.Contains(ids, e.ID) || e.ID == d.entry(d.Model).ID && p.count().is(plantain.ModelNotFound)
		if gone {
			missing = append(missing, string(e.ID))
			if e.Ends != "" {
				ends = append(ends, d.end(e.Ends, e.Sources.Life.Note))
			}
			continue
		}
		there = append(there, string(e.ID))
	}
	if len(missing) == 0 {
		return fine("It has " + strings.Join(there, ", ") + ".")
	}
	f := Finding{State: Warning, Side: You, Says: "It does not have " + strings.Join(missing, ", ") + ".",
		Evidence: fmt.Sprintf("not in the %d models that it lists", len(ids)), Fix: "Ask for a model that it has: " + d.alternatives(ids) + "."}
	if slices.Contains(missing, string(d.entry(d.Model).ID)) && p.Kind != plantain.Compatible {
		f.State = Fault
		if p.count().is(plantain.ModelNotFound) {
			f.Evidence = p.count().seen()
		}
	}
	f.Evidence = strings.Join(append([]string{f.Evidence}, ends...), "; ")
	return f
}

// alternatives are the image models of a list, those first that are not to end.
func (d *Doctor) alternatives(ids []plantain.Model) string {
	var lasting, ending []string
	for _, e := range d.Catalogue.Models() {
		switch {
		case !slices.Contains(ids, e.ID):
		case e.Ends == "":
			lasting = append(lasting, string(e.ID))
		default:
			ending = append(ending, string(e.ID))
		}
	}
	if len(lasting)+len(ending) == 0 {
		return "it has no image model at all"
	}
	return strings.Join(append(lasting, ending...), ", ")
}

// ahead is how long before its end a model is told of.
const ahead = 60 * 24 * time.Hour

// lifecycle tells of ids that are old, and of models that have ended or will.
func (d *Doctor) lifecycle(context.Context) Finding {
	var says, evidence, fix []string
	for _, m := range append([]plantain.Model{d.Model}, d.InUse...) {
		e := d.entry(m)
		if i := slices.IndexFunc(e.Old, func(o gemini.OldID) bool { return o.ID == gemini.BareModel(m) }); i >= 0 {
			says = append(says, fmt.Sprintf("%s is an old id.", m))
			evidence = append(evidence, d.end(e.Old[i].Ends, e.Old[i].Note))
			fix = append(fix, fmt.Sprintf("Write %s; Plantain does so in its place meanwhile.", e.ID))
		}
	}
	for _, e := range d.inUse() {
		if !d.ending(e) {
			continue
		}
		says = append(says, fmt.Sprintf("%s is at its end.", e.ID))
		evidence = append(evidence, d.end(e.Ends, e.Sources.Life.Note))
		fix = append(fix, "Go over to another model in time: plantain models shows which for what.")
	}
	if len(says) == 0 {
		return fine("No model that is asked for is old.")
	}
	return Finding{State: Warning, Side: You, Says: strings.Join(says, " "), Evidence: strings.Join(unique(evidence), "; "), Fix: strings.Join(unique(fix), " ")}
}

// ending reports a model that ended, or will soon. Of an end that third parties
// spoke of, the lists of the projects tell whether it came.
func (d *Doctor) ending(e gemini.Entry) bool {
	end, err := time.Parse(time.DateOnly, e.Ends)
	return err == nil && end.Before(d.now().Add(ahead)) && !(e.Sources.Life.Claimed && end.Before(d.now()))
}

func (d *Doctor) end(date, note string) string {
	words := "its end is announced for "
	if at, err := time.Parse(time.DateOnly, date); err != nil {
		return note
	} else if d.now().After(at) {
		words = "its announced end was "
	}
	words += date
	if note != "" {
		words += " (" + note + ")"
	}
	return words
}

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
