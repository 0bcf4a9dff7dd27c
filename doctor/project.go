package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// MinimalPrompt is what Google draws if it draws anything.
const MinimalPrompt = "a red apple on a white background"

const minimalCount = `{"contents":[{"role":"user","parts":[{"text":"` + MinimalPrompt + `"}]}]}`

// checks are those of one project.
func (p *patient) checks(d *Doctor) []Check {
	of := string(p.Name)
	checks := []Check{
		{"key", of, p.key},
		{"rights", of, p.rights},
		{"region", of, p.region},
		{"billing", of, p.billing},
		{"models", of, func(context.Context) Finding { return p.models(d) }},
	}
	if len(p.Parked) > 0 {
		checks = append(checks, Check{"parking", of, func(ctx context.Context) Finding { return p.parking(ctx, d) }})
	}
	return checks
}

// connection tells whether the API can be reached at all, over the way that the
// first project of a host takes.
func (p *patient) connection(context.Context) Finding {
	x := p.list()
	switch {
	case !x.answered() && !p.unlisted(x):
		return x.broken()
	case x.is(plantain.Capacity, plantain.ServerError, plantain.Timeout):
		f := x.refused(Google)
		f.Says = "Google answers, but fails: " + f.Says
		return f
	case x.proxy != nil:
		return fine(fmt.Sprintf("%s answers, through the proxy %s.", x.host(), shown(x.proxy)))
	default:
		return fine(x.host() + " answers.")
	}
}

// slow is when the first byte of a small answer comes late.
const slow = 3 * time.Second

func (p *patient) latency(context.Context) Finding {
	x := p.list()
	if !x.answered() {
		return skipped("No answer came.")
	}
	f := fine(fmt.Sprintf("The list of models took %s.", short(x.facts.Took)))
	var parts []string
	for _, s := range []struct {
		name string
		took time.Duration
	}{{"DNS", x.steps.dns}, {"connect", x.steps.connect}, {"TLS", x.steps.tls}, {"first byte", x.steps.first}} {
		if s.took > 0 {
			parts = append(parts, s.name+" "+short(s.took))
		}
	}
	f.Evidence = strings.Join(parts, ", ")
	if x.facts.Took > slow {
		f.State, f.Side = Warning, Network
		f.Fix = "See which step takes long: a slow DNS server, IPv6 that leads nowhere, a proxy, or a far away network."
	}
	return f
}

func short(d time.Duration) string {
	if d < time.Millisecond {
		return "under 1 ms"
	}
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return d.Round(100 * time.Millisecond).String()
}

// refused is a fault in the words of the verdict.
func (x *exchange) refused(side Side) Finding {
	says, _ := sentence(x.verdict.Explanation)
	return Finding{State: Fault, Side: side, Says: says, Evidence: x.seen(), Fix: x.verdict.Fix}
}

// sentence splits the first one off.
func sentence(text string) (first, rest string) {
	first, rest, more := strings.Cut(text, ". ")
	if more {
		first += "."
	}
	return first, rest
}

// either gives the call that was refused for a reason of these classes; nil: none.
func (p *patient) either(classes ...plantain.Class) *exchange {
	for _, x := range []*exchange{p.list(), p.count()} {
		if x.is(classes...) {
			return x
		}
	}
	return nil
}

// heard reports that the API answered, so that what it did not complain of is right.
func (p *patient) heard() bool {
	return p.list().answered() && !p.list().is(plantain.Capacity, plantain.ServerError, plantain.Timeout)
}

// unlisted reports an aggregator that has no list of models, which is no fault.
func (p *patient) unlisted(x *exchange) bool {
	return p.Kind == plantain.Compatible && x.facts.Err == nil && x.facts.Status == 404
}

func (p *patient) key(context.Context) Finding {
	odd, fix := p.oddKey()
	if x := p.either(plantain.KeyInvalid); x != nil {
		f := x.refused(You)
		if odd != "" {
			f.Says, f.Fix = strings.TrimSuffix(f.Says, ".")+": "+odd+".", fix
		}
		return f
	}
	switch {
	case !p.heard() && odd != "":
		return Finding{State: Fault, Side: You, Says: "The key looks wrong: " + odd + ".", Fix: fix}
	case !p.heard():
		return skipped("Nobody could be asked.")
	case p.unlisted(p.list()):
		return skipped(p.list().host() + " has no list of models to try the key on.")
	default:
		return fine("The key is accepted.")
	}
}

// oddKey says what is odd about a key of Google's, without showing it; empty:
// nothing.
func (p *patient) oddKey() (odd, fix string) {
	if p.list().host() != googleHost {
		return "", ""
	}
	key := p.Key.Reveal()
	fix = "Copy the whole key from https://aistudio.google.com/apikey; Google's begin with AIza or AQ."
	for start, what := range map[string]string{
		"sk-": "it is a key of OpenAI's or an aggregator's", "pk-": "it is a virtual key of Plantain's, which is for clients",
		"sim-": "it is a key of the simulator's", "ya29.": "it is an OAuth token", "${": "it is the name of a variable that was not expanded",
	} {
		if strings.HasPrefix(key, start) {
			return what, fix
		}
	}
	switch {
	case strings.ContainsAny(key, `"'<>`):
		return "it has quotes or brackets in it", fix
	case strings.HasPrefix(key, "AIza") && len(key) != 39:
		return fmt.Sprintf("it has %d characters, and those that begin so have 39", len(key)), fix
	case !strings.HasPrefix(key, "AIza") && !strings.HasPrefix(key, "AQ."):
		return "it does not begin as Google's do", fix
	default:
		return "", ""
	}
}

const googleHost = "generativelanguage.googleapis.com"

// restrictions say what a key or a project forbids, by Google's reason
// (google.api.ErrorReason; gemini-api.md §6).
var restrictions = map[string]struct{ says, fix string }{
	"SERVICE_DISABLED": {"The Generative Language API is switched off in the project.",
		"Enable it and wait some minutes: https://console.cloud.google.com/apis/library/generativelanguage.googleapis.com"},
	"API_KEY_SERVICE_BLOCKED": {"The key is restricted to other APIs.",
		"Add the Generative Language API to the key's API restrictions: https://console.cloud.google.com/apis/credentials"},
	"API_KEY_HTTP_REFERRER_BLOCKED": {"The key is restricted to web pages (HTTP referrers), which a server is none of.",
		"Set the key's application restrictions to none or to this machine's IP address: https://console.cloud.google.com/apis/credentials"},
	"API_KEY_IP_ADDRESS_BLOCKED": {"The key is restricted to IP addresses, and this machine's is none of them.",
		"Add the address to the key's restrictions (Google names it under Seen; mind IPv6): https://console.cloud.google.com/apis/credentials"},
	"API_KEY_ANDROID_APP_BLOCKED": {"The key is restricted to Android apps.",
		"Make a key for servers: https://aistudio.google.com/apikey"},
	"API_KEY_IOS_APP_BLOCKED": {"The key is restricted to iOS apps.",
		"Make a key for servers: https://aistudio.google.com/apikey"},
}

func (p *patient) rights(context.Context) Finding {
	x := p.either(plantain.Permission)
	switch {
	case x == nil && !p.heard():
		return skipped("Nobody could be asked.")
	case x == nil && p.either(plantain.KeyInvalid) != nil:
		return skipped("Without a valid key it can't be told.")
	case x == nil:
		return fine("The API is enabled, and no restriction of the key is in the way.")
	}
	f := x.refused(You)
	for _, e := range x.facts.Body.Errors {
		if r, ok := restrictions[e.Reason]; ok {
			f.Says, f.Fix = r.says, r.fix
			if number, ok := strings.CutPrefix(e.Metadata["consumer"], "projects/"); ok && e.Reason == "SERVICE_DISABLED" {
				f.Fix += "?project=" + number
			}
		}
	}
	return f
}

func (p *patient) region(context.Context) Finding {
	x := p.either(plantain.Region)
	switch {
	case x != nil:
		return x.refused(You)
	case !p.heard() || p.either(plantain.KeyInvalid, plantain.Permission) != nil:
		return skipped("It can't be told before the rest is right.")
	default:
		return fine("The API is served where this machine is.")
	}
}

// billing is what can be told for nothing of tier and billing, which is little:
// Google says it only to who asks for an image.
func (p *patient) billing(context.Context) Finding {
	const link = "Link a billing account to the project (Set up billing, at https://aistudio.google.com/apikey), or use a project that has one."
	if x := p.either(plantain.Billing, plantain.QuotaZero); x != nil {
		return x.refused(You)
	}
	if p.Tier == gemini.FreeTier {
		return Finding{State: Fault, Side: You, Says: "The project is on the free tier, where image models have a limit of 0.",
			Evidence: "tier: free in the configuration", Fix: link + " Then write tier: 1."}
	}
	for _, out := range p.Parked {
		if out.Reason != plantain.Billing && out.Reason != plantain.QuotaZero {
			continue
		}
		says, _ := sentence(out.Why)
		f := Finding{State: Fault, Side: You, Says: says, Evidence: "Google refused the last attempt for it, and the project is parked since", Fix: link}
		if out.Reason == plantain.Billing {
			f.Fix = "Look at the project's billing: https://aistudio.google.com/spend."
		}
		f.Fix += " plantain doctor --spend tries it again."
		return f
	}
	if !p.list().good() {
		return skipped("It can't be told before the rest is right.")
	}
	return skipped("Only an image tells, which --spend asks for.")
}

// parking lets a project back in whose key, rights and place are right again.
func (p *patient) parking(ctx context.Context, d *Doctor) Finding {
	free := func(o Parked) bool {
		return o.Reason == plantain.KeyInvalid || o.Reason == plantain.Permission || o.Reason == plantain.Region
	}
	at := slices.IndexFunc(p.Parked, free)
	if at < 0 {
		return skipped(fmt.Sprintf("It is parked for %s until that is mended.", p.Parked[0].Reason))
	}
	reason := p.Parked[at].Reason
	if !p.list().good() || !p.count().good() {
		return skipped(fmt.Sprintf("It stays parked for %s.", reason))
	}
	if d.Recheck == nil {
		return skipped(fmt.Sprintf("It is parked for %s.", reason))
	}
	if err := d.Recheck(ctx, p.Name); err != nil {
		return Finding{State: Fault, Side: You, Says: fmt.Sprintf("It is mended, but still parked for %s.", reason), Evidence: p.list().plain(err.Error()),
			Fix: "Have the gateway read its configuration again: kill -HUP its process."}
	}
	return fine(fmt.Sprintf("It was parked for %s, is mended, and is asked again.", reason))
}
