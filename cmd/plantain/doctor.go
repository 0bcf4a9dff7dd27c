package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/config"
	"github.com/plantainhq/plantain/doctor"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/relay"
)

type doctorCmd struct {
	Prompt  string        `short:"p" placeholder:"TEXT" help:"The prompt that fails, to be tried beside the minimal one."`
	Image   []string      `short:"i" type:"existingfile" placeholder:"IMG" help:"A picture that goes with it; may be given several times."`
	Model   string        `short:"m" default:"nb2" help:"The model that images are wanted of: nb2, pro, original, lite or the id that your program uses."`
	Spend   bool          `help:"Send the prompts without asking. What they cost is told first."`
	Timeout time.Duration `default:"20s" help:"How long all free checks may take."`
	atFlag
}

func (doctorCmd) Help() string {
	return `Is it Google or is it you? It looks at the configuration, each project's key, rights, place and models, the network, this machine's clock, Google's status page, the store, and the quota left today. All that costs nothing.

What only an image tells (billing, the free tier, overload, a filter) takes the minimal prompt, "` + doctor.MinimalPrompt + `", at the cheapest size, once through each project. On a terminal it asks before it spends; --spend is a yes. With --prompt your own is sent beside it, at the same size: where only yours is filtered, it is the prompt; where both fail alike, it is not.

What is spent stands in the ledger. A project that was parked for its key, its rights or its place and is right again is asked again.

It ends with 0 where nothing is wrong, 1 where something is. -o json gives {"well", "sides", "findings": [{"check", "of", "state", "side", "says", "evidence", "fix", "paid"}]}; a state is ok, warning, fault or skipped, a side you, google or network.

  GEMINI_API_KEY=… plantain doctor
  plantain doctor --spend
  plantain doctor --spend --prompt "a cat in a film" -i cat.jpg --model pro`
}

// errTold ends a command with 1 after it has said why.
var errTold = errors.New("told")

func (c *doctorCmd) Run(w *world) error {
	v, err := c.visit(w)
	if err != nil {
		return err
	}
	defer v.leave()
	ctx, cancel := context.WithTimeout(w.ctx, c.Timeout)
	found := doctor.Run(ctx, append(v.checks(), v.doctor.Examine(ctx)...), v.tell)
	cancel()
	if w.ctx.Err() != nil {
		return errors.New("interrupted: nothing was spent")
	}
	found = append(found, v.spend(c)...)
	return v.sum(found)
}

// A visit is one run of the doctor.
type visit struct {
	practice
	w        *world
	wrong    error // what is wrong with the configuration
	source   source
	model    gemini.Entry
	original []byte // nil: no prompt was given
	doctor   *doctor.Doctor
	column   int // the width of the names of projects
}

func (c *doctorCmd) visit(w *world) (*visit, error) {
	v := &visit{w: w, source: w.source("")}
	if c.Timeout <= 0 {
		return nil, fmt.Errorf("%w\n--timeout %s leaves no time; write it like 20s", errUsage, c.Timeout)
	}
	conf, wrong := v.source.load()
	v.wrong = wrong
	known := gemini.DefaultCatalogue()
	if conf != nil {
		known = conf.Catalogue
	}
	asks := generateCmd{Prompt: []string{cmp.Or(c.Prompt, doctor.MinimalPrompt)}, Image: c.Image, Model: c.Model}
	var err error
	if v.model, err = asks.fits(known); err != nil {
		return nil, err
	}
	if c.Prompt != "" || len(c.Image) > 0 {
		asks.Prompt = []string{c.Prompt}
		images, err := asks.images()
		if err != nil {
			return nil, err
		}
		call := asks.call(doctor.Cheapest(v.model), images)
		if v.original, err = io.ReadAll(call.Body()); err != nil {
			return nil, err
		}
	}
	v.practice = openPractice(w, conf, c.Server, c.Spend)
	v.doctor = v.examiner(known, plantain.Model(c.Model))
	for _, p := range v.doctor.Projects {
		v.column = max(v.column, len(p.Name))
	}
	for _, r := range v.situation.Projects {
		v.column = max(v.column, len(r.Project))
	}
	return v, nil
}

// examiner is the doctor for this configuration. It reaches Google as a gateway does.
func (v *visit) examiner(known *gemini.Catalogue, model plantain.Model) *doctor.Doctor {
	d := &doctor.Doctor{Catalogue: known, Model: model, Feed: config.Default().StatusFeed, Transport: relay.DefaultBase()}
	if v.config == nil {
		return d
	}
	c := v.config
	d.Feed, d.Rules.Filtered, d.Recheck = c.StatusFeed, c.Billing.Filtered, v.recheck
	d.InUse = slices.Compact(slices.Sorted(slices.Values(c.Named)))
	for _, p := range c.Projects {
		d.Projects = append(d.Projects, doctor.Project{Name: p.Name, Kind: p.Upstream, Base: cmp.Or(p.BaseURL, relay.GoogleBase), Key: p.APIKey,
			Tier: p.Tier, Parked: v.parked(p.Name)})
	}
	return d
}

// spend sends the prompts, where that is wanted.
func (v *visit) spend(c *doctorCmd) []doctor.Finding {
	if v.config == nil && v.gateway == nil {
		return nil
	}
	projects := v.among(v.doctor.Able())
	if len(projects) == 0 {
		return v.unsent("No project is fit to be asked.", "")
	}
	minimal := doctor.Minimal(doctor.Cheapest(v.model))
	n, cost := v.price(projects, minimal)
	plan := fmt.Sprintf("%s of %s at %s, about %s", images(n), v.model.ID, cmp.Or(doctor.Cheapest(v.model), v.model.DefaultSize), cents(int64(cost)))
	switch {
	case !c.Spend && !v.agreed(plan):
		return v.unsent("Not sent: "+plan+".", "--spend allows it.")
	case c.Spend && v.w.output == "text":
		fmt.Fprintf(v.w.stdout, "\nSending the prompts: %s.\n", plan)
	}
	if err := v.ready(v.w); err != nil {
		return v.unsent("Not sent: the books can't be opened: "+err.Error(), "")
	}
	for _, p := range projects {
		if len(v.parked(p)) > 0 {
			_ = v.recheck(v.w.ctx, p) // if it stays parked, the prompt tells
		}
	}
	t := doctor.Trial{Projects: projects, Minimal: minimal, Original: v.original, Send: func(ctx context.Context, p plantain.ProjectName, body []byte) (*http.Response, error) {
		return v.send(ctx, v.model.ID, p, body)
	}}
	return doctor.Run(v.w.ctx, v.doctor.Try(t), v.tell)
}

// price is how many images the prompts ask for, and what they cost.
func (v *visit) price(projects []plantain.ProjectName, minimal []byte) (n int, cost plantain.Nanodollars) {
	add := func(project plantain.ProjectName, body []byte) {
		factor := ledger.Factor(1000)
		if v.config != nil {
			for _, p := range v.config.Projects {
				if p.Name == project {
					factor = ledger.Factor(p.PricePermille)
				}
			}
		}
		var scan gemini.RequestScanner
		_, _ = scan.Write(body)
		n++
		cost += ledger.Estimate(v.model, v.model.At(time.Now()).Price, scan.Finish(), factor)
	}
	for _, p := range projects {
		add(p, minimal)
	}
	if v.original != nil {
		add(projects[0], v.original)
	}
	return n, cost
}

func images(n int) string {
	if n == 1 {
		return "1 image"
	}
	return fmt.Sprintf("%d images", n)
}

// unsent are the findings on prompts that were not sent.
func (v *visit) unsent(says, fix string) []doctor.Finding {
	found := []doctor.Finding{{Check: "minimal prompt", State: doctor.Skipped, Says: says, Fix: fix}}
	if v.original != nil {
		found = append(found, doctor.Finding{Check: "your prompt", State: doctor.Skipped, Says: "Not sent either.", Fix: fix})
	}
	for _, f := range found {
		v.tell(f)
	}
	return found
}

// agreed asks a person; where there is none, nothing is spent.
func (v *visit) agreed(plan string) bool {
	if !v.w.interactive() || v.w.output != "text" {
		return false
	}
	fmt.Fprintln(v.w.stdout)
	wrap(v.w.stdout, "", "Only an image tells the rest: "+plan+".")
	fmt.Fprint(v.w.stdout, "Send it? [y/N] ")
	line, err := bufio.NewReader(v.w.stdin).ReadString('\n')
	return err == nil && strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "y")
}

// tell prints a finding as it comes.
func (v *visit) tell(f doctor.Finding) {
	if v.w.output != "text" {
		return
	}
	says := f.Says
	if f.State == doctor.Skipped && f.Fix != "" {
		says += " " + f.Fix
	}
	head := fmt.Sprintf("%-7s  %-14s  ", f.State, f.Check)
	if v.column > 0 {
		head += fmt.Sprintf("%-*s  ", min(v.column, 16), f.Of)
	}
	text := fill(width(v.w.stdout), head, strings.Repeat(" ", len(head)), says)
	fmt.Fprint(v.w.stdout, v.paint(f.State, text))
}

// paint colours the state at the beginning of a text, on a terminal.
func (v *visit) paint(s doctor.State, text string) string {
	out, ok := v.w.stdout.(*os.File)
	code := map[doctor.State]string{doctor.OK: "32", doctor.Warning: "33", doctor.Fault: "31"}[s]
	if !ok || !isTerminal(out) || v.w.env("NO_COLOR") != "" || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + string(s) + "\x1b[0m" + strings.TrimPrefix(text, string(s))
}

// sum says what it comes to.
func (v *visit) sum(found []doctor.Finding) error {
	faults := slices.ContainsFunc(found, func(f doctor.Finding) bool { return f.State == doctor.Fault })
	if v.w.output == "json" {
		sides := doctor.Sides(found)
		if sides == nil {
			sides = []doctor.Side{}
		}
		v.w.json(struct {
			Well     bool             `json:"well"`
			Sides    []doctor.Side    `json:"sides"` // whose the faults are
			Findings []doctor.Finding `json:"findings"`
		}{!faults, sides, found})
	} else {
		v.printSum(found)
	}
	if faults {
		return errTold
	}
	return nil
}

func (v *visit) printSum(found []doctor.Finding) {
	to := v.w.stdout
	warnings := 0
	whose := map[doctor.Side][]string{}
	for _, state := range []doctor.State{doctor.Warning, doctor.Fault} {
		for _, f := range found {
			if f.State != state {
				continue
			}
			name := f.Check
			if f.Of != "" {
				name += " of " + f.Of
			}
			fmt.Fprintf(to, "\n%s: %s\n", v.paint(state, string(state)), name)
			wrap(to, "  ", f.Says)
			if f.Evidence != "" {
				wrap(to, "  ", "Seen: "+f.Evidence)
			}
			if f.Fix != "" {
				wrap(to, "  ", "Do: "+f.Fix)
			}
			if state == doctor.Warning {
				warnings++
				continue
			}
			whose[f.Side] = append(whose[f.Side], name)
		}
	}
	fmt.Fprintln(to)
	for _, s := range []struct {
		side  doctor.Side
		words string
	}{{doctor.Google, "It is Google"}, {doctor.You, "It is on your side"}, {doctor.Network, "It is in between"}, {"", "Whose it is can't be told"}} {
		if names := whose[s.side]; len(names) > 0 {
			wrap(to, "", s.words+": "+strings.Join(names, ", ")+".")
		}
	}
	if len(whose) == 0 {
		fmt.Fprintln(to, "Nothing is wrong"+map[bool]string{true: fmt.Sprintf("; warnings: %d.", warnings), false: "."}[warnings > 0])
	}
}
