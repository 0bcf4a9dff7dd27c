package lint

import (
	"fmt"
	"slices"
	"strings"
)

// What is reckoned from the prompt itself, beside the aspects of words.yaml.
const (
	subject = "subject" // words that stand in no group
	detail  = "detail"  // more of them
	text    = "text"    // something in quotes
	medium  = "medium"  // art or photo
)

func (r *rules) isAspect(name string) bool {
	_, ok := r.words.Aspects[name]
	return ok || slices.Contains([]string{subject, detail, text, medium}, name)
}

// check finds what strict decoding does not.
func (r *rules) check() error {
	for _, k := range r.kinds.Kinds {
		for _, n := range k.Needs {
			for _, name := range n.any {
				if !r.isAspect(name) {
					return fmt.Errorf("kinds.yaml: [%d] %s needs %q, which is no aspect of words.yaml", n.line, k.Name, name)
				}
			}
		}
		for name := range k.Fills {
			if !r.isAspect(name) {
				return fmt.Errorf("kinds.yaml: %s fills %q, which is no aspect of words.yaml", k.Name, name)
			}
		}
	}
	for _, p := range r.filter.Policy {
		for _, all := range p.All {
			for _, name := range all {
				if _, err := r.filter.set(name); err != nil {
					return fmt.Errorf("filter.yaml: %s: %w", p.Rule, err)
				}
			}
		}
	}
	return nil
}

// set gives what a name in braces stands for, or what is listed in brackets.
func (f *filter) set(name string) (list, error) {
	if inner, ok := strings.CutPrefix(name, "["); ok {
		return strings.Split(strings.TrimSuffix(inner, "]"), ","), nil
	}
	words, ok := f.Sets[strings.Trim(name, "{}")]
	if !ok {
		return nil, fmt.Errorf("there is no set %s", name)
	}
	return words, nil
}

// Groups of the lexica, beside the names of aspects and kinds.
const (
	isWorn       = "worn"
	isSubjective = "subjective"
	isPraise     = "praise"
	isVague      = "vague"
	isEmpty      = "empty"
	isHollow     = "hollow"
	isIdea       = "idea"
	isMeant      = "meant"
	isMass       = "mass"
	isHarmless   = "harmless"
)

// learn makes the lexica of the files. Where words of a rule are looked for, its
// group is its name and its place there.
func (r *rules) learn() {
	w := &r.words
	for name, words := range w.Aspects {
		r.lexicon.add(name, words)
	}
	for group, words := range map[string]list{isWorn: w.Worn, isSubjective: w.Subjective, isPraise: w.Praise, isVague: w.Vague,
		isEmpty: w.Empty, isHollow: w.Hollow, isIdea: w.Ideas.Words, isMass: w.Mass, isMeant: w.Meant} {
		r.lexicon.add(group, words)
	}
	for words := range w.Moods {
		r.lexicon.add(isSubjective, strings.Split(words, "|"))
		r.lexicon.add("mood "+words, strings.Split(words, "|"))
	}
	for words := range w.Woven {
		r.lexicon.add("woven "+words, strings.Split(words, "|"))
	}
	for words := range w.Instead {
		r.lexicon.add(isSubjective, strings.Split(words, "|"))
		r.lexicon.add("instead "+words, strings.Split(words, "|"))
	}
	for _, k := range r.kinds.Kinds {
		r.cues.add(k.Name, k.Cues)
	}
	e := &r.kinds.Edit
	for group, words := range map[string]list{"verb": e.Verbs, "loose": e.Loose, "fresh": e.Fresh, "polite": e.Polite, "about": e.About, "onto": e.Onto,
		"begins": e.Begins, "wish": e.Wish, "refers": e.Refers, isVague: e.Vague, "idle": e.Idle} {
		r.editing.add(group, words)
	}
	r.learnGuard()
	r.learnWording()
}

func (r *rules) learnGuard() {
	f := &r.filter
	r.guard.add(isHarmless, f.Harmless)
	for i, p := range f.Policy {
		r.guard.add(p.Rule, p.Words)
		r.guard.add("unless "+p.Rule, p.Unless)
		for _, lists := range p.Phrases {
			r.guard.add(p.Rule, product(lists))
		}
		for j, all := range p.All {
			for k, name := range all {
				words, _ := f.set(name) // checked
				r.guard.add(fmt.Sprint("policy ", i, j, k), words)
			}
		}
		for _, name := range p.Ages {
			words, _ := f.set(name)
			r.guard.add("age "+p.Rule, words)
		}
	}
	for i, t := range f.Filters {
		r.guard.add("unless "+t.Rule, t.Unless)
		for j, s := range t.Say {
			r.guard.add(fmt.Sprint("say ", i, " ", j), s.Words)
		}
	}
}

// product gives all phrases of one item from each list.
func product(lists []list) []string {
	phrases := []string{""}
	for _, items := range lists {
		var longer []string
		for _, p := range phrases {
			for _, item := range items {
				longer = append(longer, p+" "+item)
			}
		}
		phrases = longer
	}
	return phrases
}

func (r *rules) learnWording() {
	n := &r.wording.Negations
	r.says.add("negation", n.Begin)
	r.says.add("except", n.Except)
	r.says.add("mild", n.Mild)
	for words := range n.Instead {
		r.says.add("un "+words, strings.Split(words, "|"))
	}
	for words := range n.Nots {
		for _, w := range strings.Split(words, "|") {
			r.says.add("not "+words, []string{"not " + w})
		}
	}
	t := &r.wording.Text
	for group, words := range map[string]list{"strong": t.Strong, "weak": t.Weak, "bearer": t.Bearers, "ends": t.Ends, "none": t.None} {
		r.says.add("text "+group, words)
	}
	r.says.add("both", r.wording.Contradictions.Unless)
	for i, p := range r.wording.Contradictions.Pairs {
		r.says.add(fmt.Sprint("one ", i), p.One)
		r.says.add(fmt.Sprint("other ", i), p.Other)
	}
	for _, s := range r.wording.Settings {
		for size, words := range s.Sizes {
			r.says.add("size "+size, words)
		}
		for ratio, words := range s.Ratios {
			r.says.add("ratio "+ratio, words)
		}
		r.says.add("after "+s.Rule, s.After)
		r.says.add("before "+s.Rule, s.Before)
	}
}
