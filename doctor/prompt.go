package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A Trial sends prompts that cost money.
type Trial struct {
	// Projects are to draw the minimal prompt, and one of them Original as well.
	Projects []plantain.ProjectName
	Minimal  []byte // the body of its request
	Original []byte // that of the prompt in question; nil: there is none
	// Send sends a body through a project and sees to it that the attempt stands in the
	// ledger. The answer has the headers of Plantain's.
	Send func(ctx context.Context, project plantain.ProjectName, body []byte) (*http.Response, error)
}

// Minimal is the body of the request for the minimal prompt at a size; empty: that
// of the model.
func Minimal(size string) []byte {
	config := map[string]any{"responseModalities": []string{"TEXT", "IMAGE"}}
	if size != "" {
		config["imageConfig"] = map[string]string{"imageSize": size}
	}
	body, err := json.Marshal(map[string]any{
		"contents":         []any{map[string]any{"role": "user", "parts": []any{map[string]string{"text": MinimalPrompt}}}},
		"generationConfig": config,
	})
	if err != nil {
		panic(err) // strings and maps can always be encoded
	}
	return body
}

// longestImage is how long a prompt of a trial may take.
const longestImage = 3 * time.Minute

// Try gives the checks that send prompts.
func (d *Doctor) Try(t Trial) []Check {
	var checks []Check
	minimal := make([]chan drawn, len(t.Projects))
	for i, name := range t.Projects {
		minimal[i] = make(chan drawn, 1)
		checks = append(checks, Check{Name: "minimal prompt", Of: string(name), Look: func(ctx context.Context) Finding {
			m := d.draw(ctx, t, name, t.Minimal)
			minimal[i] <- m
			return m.minimal()
		}})
	}
	if t.Original != nil && len(t.Projects) > 0 {
		checks = append(checks, Check{Name: "your prompt", Look: func(ctx context.Context) Finding { return d.compare(ctx, t, minimal) }})
	}
	return checks
}

// compare draws the prompt in question where the minimal one was drawn, if it was
// anywhere. It waits for those, so that none takes another's room.
func (d *Doctor) compare(ctx context.Context, t Trial, minimal []chan drawn) Finding {
	at, beside := 0, drawn{}
	for i, c := range minimal {
		if m := <-c; i == 0 || m.made() && !beside.made() {
			at, beside = i, m
		}
	}
	f := d.draw(ctx, t, t.Projects[at], t.Original).beside(beside)
	f.Of = string(t.Projects[at])
	return f
}

// drawn is what came of a prompt.
type drawn struct {
	verdict plantain.Verdict
	seen    string
	paid    Paid
	err     error // it could not be sent
}

// draw sends a prompt and judges the answer.
func (d *Doctor) draw(ctx context.Context, t Trial, project plantain.ProjectName, body []byte) drawn {
	ctx, cancel := context.WithTimeout(ctx, longestImage)
	defer cancel()
	res, err := t.Send(ctx, project, body)
	if err != nil {
		return drawn{err: err}
	}
	defer res.Body.Close()
	f := gemini.Facts{Stage: plantain.Done, Status: res.StatusCode, Header: res.Header}
	scan := gemini.NewScanner(res.Header.Get("Content-Type"))
	if _, f.Err = io.Copy(scan, res.Body); f.Err != nil {
		f.Stage = plantain.Reading
	}
	f.Body = scan.Finish()
	v := told(d.Rules.Judge(f), f.Body)
	x := exchange{facts: f}
	return drawn{verdict: v, seen: x.seen(), paid: Paid{
		Request: plantain.RequestID(res.Header.Get("Plantain-Request-Id")), Verdict: v.Class, Charged: v.Charged, Cost: res.Header.Get("Plantain-Cost-Usd")}}
}

// told takes the verdict from the detail that Plantain adds to an error.
func told(v plantain.Verdict, b gemini.Body) plantain.Verdict {
	for _, e := range b.Errors {
		if e.Domain != "plantain" {
			continue
		}
		_ = v.Class.UnmarshalText([]byte(e.Metadata["verdict"])) // it never errs
		v.Explanation, v.Fix = e.Metadata["explanation"], e.Metadata["next"]
		switch c := plantain.Charged(e.Metadata["charged"]); c {
		case plantain.ChargedYes, plantain.ChargedNo:
			v.Charged = c
		default:
			v.Charged = plantain.ChargedUnknown
		}
	}
	return v
}

// side is whose it is that a prompt failed.
func side(c plantain.Class) Side {
	switch c {
	case plantain.Capacity, plantain.ServerError, plantain.Timeout:
		return Google
	case plantain.Unanswered:
		return Network
	case plantain.Unclassifiable, plantain.Success:
		return ""
	default:
		return You
	}
}

// ofPrompt reports a failure that lies in what was asked.
func ofPrompt(c plantain.Class) bool {
	switch c {
	case plantain.SafetyPrompt, plantain.SafetyImage, plantain.Recitation, plantain.NoImage, plantain.Truncated,
		plantain.BadRequest, plantain.ThoughtSignature:
		return true
	default:
		return false
	}
}

func (m drawn) made() bool { return m.err == nil && m.verdict.Class == plantain.Success }

// unsent is a prompt that a gateway or its store kept from being sent.
func (m drawn) unsent() Finding {
	f := Finding{State: Fault, Side: You, Says: "It could not be sent.", Evidence: m.err.Error(),
		Fix: "Mend what is named here; the log of the gateway may say more."}
	if errors.Is(m.err, context.DeadlineExceeded) {
		f.Side, f.Says, f.Fix = "", fmt.Sprintf("No answer came in %s.", longestImage), "Look at plantain projects for what it waits for."
	}
	return f
}

func (m drawn) finding(state State) Finding {
	says, rest := sentence(m.verdict.Explanation)
	evidence := m.seen
	if rest != "" {
		evidence = strings.TrimSuffix(evidence, ".") + ". " + rest
	}
	return Finding{State: state, Side: side(m.verdict.Class), Says: says, Evidence: evidence, Fix: m.verdict.Fix, Paid: &m.paid}
}

// charge is the end of a sentence on what a prompt cost.
func (m drawn) charge() string {
	switch m.verdict.Charged {
	case plantain.ChargedYes:
		return "charged $" + m.paid.Cost
	case plantain.ChargedNo:
		return "not charged"
	default:
		return "perhaps charged, $" + m.paid.Cost
	}
}

// minimal is the finding on the minimal prompt: that it fails is nobody's prompt.
func (m drawn) minimal() Finding {
	switch {
	case m.err != nil:
		return m.unsent()
	case m.made():
		f := fine("Google drew it, " + m.charge() + ".")
		f.Paid = &m.paid
		return f
	}
	f := m.finding(Fault)
	if ofPrompt(m.verdict.Class) {
		f.Side = Google
		f.Fix = "A red apple is no cause for it: try again in some minutes, and with another model."
	}
	return f
}

// beside is the finding on the prompt in question, by what came of the minimal one.
func (m drawn) beside(minimal drawn) Finding {
	switch {
	case m.err != nil:
		return m.unsent()
	case m.made():
		f := fine("Google drew it, " + m.charge() + ".")
		f.Paid = &m.paid
		return f
	}
	f := m.finding(Fault)
	says, _ := sentence(m.verdict.Explanation)
	switch {
	case minimal.err != nil:
	case minimal.made() && ofPrompt(m.verdict.Class):
		f.Says = fmt.Sprintf("It is the prompt (%s, %s): the minimal one passed.", m.verdict.Class, m.charge())
		f.Evidence = says + " " + f.Evidence
	case minimal.made():
		f.Says = fmt.Sprintf("The minimal prompt passed, and this one did not, for another reason than its words: %s", says)
	case minimal.verdict.Class == m.verdict.Class:
		f.Says = fmt.Sprintf("It is not the prompt: the minimal one fails alike (%s, %s).", m.verdict.Class, m.charge())
		f.Side = minimal.minimal().Side
		f.Fix = "Leave the prompt as it is. " + minimal.minimal().Fix
	default:
		f.Says = fmt.Sprintf("Both fail, this one with %s (%s), the minimal one with %s.", m.verdict.Class, m.charge(), minimal.verdict.Class)
	}
	return f
}
