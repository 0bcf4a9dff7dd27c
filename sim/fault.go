package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is something that goes wrong next. Only Name is required: then it happens to every request until Reset.
type Fault struct {
	Name    string  `json:"fault"`
	Next    int     `json:"next,omitempty"`    // happens this many times; 0: no such bound
	Share   float64 `json:"share,omitempty"`   // to this share of the requests, 0 to 1; 0: to all
	Project string  `json:"project,omitempty"` // NAME, or the key up to its name; empty: any
	Model   string  `json:"model,omitempty"`   // id or alias; empty: any
	After   Span    `json:"after,omitempty"`   // begins this long after it was set; "at" means the same
	For     Span    `json:"for,omitempty"`     // lasts this long; 0: no such bound

	Bytes      int    `json:"bytes,omitempty"`       // of the answer's body before a cut; of the request read by early
	Rate       int    `json:"rate,omitempty"`        // bytes a second, for slow
	Delay      Span   `json:"delay,omitempty"`       // before the answer, for any fault; hang: 0 waits for the client to leave
	Text       string `json:"text,omitempty"`        // replaces Google's message
	RetryDelay Span   `json:"retry_delay,omitempty"` // stated by a rate fault
	Charge     *bool  `json:"charge,omitempty"`      // false: free, true: charged in full; nil: as Google would
	Status     int    `json:"status,omitempty"`      // of an early answer; 0: 200 with a picture
	Count      int    `json:"count,omitempty"`       // pictures, for several_images
	Value      string `json:"value,omitempty"`       // finish reason, model id, size or ratio sent instead

	kind  faultKind
	since time.Time
	left  int
}

// Span is a duration that reads and writes as "1m30s".
type Span time.Duration

// MarshalText writes the span as time.Duration prints it.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText reads "1m30s"; a bare number is seconds.
func (s *Span) UnmarshalText(b []byte) error {
	if n, err := strconv.ParseFloat(string(b), 64); err == nil {
		*s = Span(n * float64(time.Second))
		return nil
	}
	d, err := time.ParseDuration(string(b))
	*s = Span(d)
	return err
}

// stage is where in a request's life a fault acts.
type stage int

const (
	atDoor      stage = iota + 1 // before the body is read
	atKey                        // the key or the project is at fault: any method, nothing counted
	beforeCount                  // refused without taking room in a window
	afterCount                   // fails after it was counted
	asOutcome                    // a 200 that is not what was asked
	inTransport                  // the answer is right, its delivery is not
)

type faultKind struct {
	stage  stage
	refuse func(g *generation) *refusal // atKey, beforeCount, afterCount
	shape  func(g *generation)          // asOutcome
}

// faults holds what is set, in the order it was set.
type faults struct {
	mu     sync.Mutex
	active []*Fault
	rolled map[string]int // prompt triggers with next=N: how often they acted
}

// validate fills in the kind of a fault.
func (f *Fault) validate() error {
	kind, ok := faultKinds[f.Name]
	if !ok {
		return fmt.Errorf("unknown fault %q; valid: %s", f.Name, strings.Join(FaultNames(), ", "))
	}
	if f.Share < 0 || f.Share > 1 || f.Next < 0 {
		return fmt.Errorf("fault %s: share is from 0 to 1, next is not negative", f.Name)
	}
	if f.Model != "" && findModel(f.Model) == nil {
		return fmt.Errorf("fault %s: unknown model %q; valid: %s", f.Name, f.Model, strings.Join(listed(), ", "))
	}
	f.kind = kind
	return nil
}

// FaultNames lists every fault by name.
func FaultNames() []string { return slices.Sorted(maps.Keys(faultKinds)) }

// add sets faults, all or none.
func (fs *faults) add(now time.Time, list ...Fault) error {
	for i := range list {
		if err := list[i].validate(); err != nil {
			return err
		}
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range list {
		f.since, f.left = now.Add(time.Duration(f.After)), f.Next
		fs.active = append(fs.active, &f)
	}
	return nil
}

func (fs *faults) reset() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.active, fs.rolled = nil, map[string]int{}
}

// list returns the faults that can still act; Next is what is left of it.
func (fs *faults) list(now time.Time) []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := []Fault{}
	for _, f := range fs.active {
		if f.over(now) {
			continue
		}
		shown := *f
		shown.Next = f.left
		out = append(out, shown)
	}
	return out
}

func (f *Fault) over(now time.Time) bool {
	return f.Next > 0 && f.left == 0 || f.For > 0 && !now.Before(f.since.Add(time.Duration(f.For)))
}

func (f *Fault) hits(now time.Time, p project, m *model) bool {
	if f.over(now) || now.Before(f.since) {
		return false
	}
	if f.Model != "" && findModel(f.Model) != m {
		return false
	}
	return f.Project == "" || f.Project == p.name || f.Project == p.id()
}

// take returns the first fault of a stage that acts on this request, nil for none.
func (fs *faults) take(now time.Time, at stage, p project, m *model, dice func() float64) *Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.active {
		if f.kind.stage != at || !f.hits(now, p, m) || f.Share > 0 && dice() >= f.Share {
			continue
		}
		if f.Next > 0 {
			f.left--
		}
		acting := *f
		return &acting
	}
	return nil
}

// retired reports a model that is gone for a project.
func (fs *faults) retired(now time.Time, p project, m *model) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return slices.ContainsFunc(fs.active, func(f *Fault) bool { return f.Name == "retired" && f.Model != "" && f.hits(now, p, m) })
}

var triggers = regexp.MustCompile(`\[sim:([a-z0-9_]+)((?:\s+[a-z_]+=[^\]\s]+)*)\s*\]`)

// triggered reads [sim:NAME param=value] out of a prompt. With next=N it acts on the first N requests of that very
// prompt. What is no fault's name is left to be a part of the prompt.
func (fs *faults) triggered(prompt string, p project) *Fault {
	m := triggers.FindStringSubmatch(prompt)
	if m == nil {
		return nil
	}
	fields := map[string]any{"fault": m[1]}
	for _, pair := range strings.Fields(m[2]) {
		k, v, _ := strings.Cut(pair, "=")
		fields[k] = v
		if n, err := strconv.ParseFloat(v, 64); err == nil && k != "value" && k != "text" &&
			k != "delay" && k != "retry_delay" && k != "after" && k != "for" {
			fields[k] = n
		}
		if v == "true" || v == "false" {
			fields[k] = v == "true"
		}
	}
	raw, err := json.Marshal(fields)
	var f Fault
	if err != nil || json.Unmarshal(raw, &f) != nil || f.validate() != nil {
		return nil
	}
	if f.Next > 0 {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		if fs.rolled[p.id()+prompt] >= f.Next {
			return nil
		}
		fs.rolled[p.id()+prompt]++
	}
	return &f
}

// readFaults takes one object or an array; unknown keys are errors.
func readFaults(body []byte) ([]Fault, error) {
	v, err := parse(body)
	if err != nil {
		return nil, err
	}
	var list []Fault
	for i, item := range v.list() {
		for j, f := range item.fields {
			if f.name == "at" {
				item.fields[j].name = "after"
			}
		}
		f, err := readFault(item)
		if err != nil {
			return nil, fmt.Errorf("fault %d: %w", i+1, err)
		}
		list = append(list, f)
	}
	return list, nil
}

func readFault(v value) (Fault, error) {
	fields := map[string]json.RawMessage{}
	for _, f := range v.fields {
		switch {
		case f.kind == '{' || f.kind == '[':
			return Fault{}, fmt.Errorf("%s must be a plain value", f.name)
		case f.kind == '"' || slices.Contains([]string{"after", "for", "delay", "retry_delay"}, f.name):
			fields[f.name] = json.RawMessage(`"` + string(f.raw) + `"`)
		default:
			fields[f.name] = json.RawMessage(f.raw)
		}
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return Fault{}, err
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	var f Fault
	return f, dec.Decode(&f)
}
