package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// An entry is an attempt as it stands in the ledger.
type entry struct {
	id, request, client, project, model, state, stage, verdict, charged, response string
	opened, sent, settled, deadline                                               time.Time
	status                                                                        int
	low, high                                                                     int64
}

func (e entry) known() bool { return e.state == "settled" && e.low == e.high }

// A call is what reached the simulator.
type call struct {
	ID          int
	Time        time.Time
	Project     string
	Model       string
	Path        string
	Status      int
	Fault       string
	Prompt      string
	ResponseID  string `json:"response_id"`
	Images      int
	Charged     int64 `json:"charged_nanodollars"`
	Whole       bool  // the answer was sent to its end
	client, tag string
}

var tagged = regexp.MustCompile(`tag=((c\d\d)-\d{5})`)

// check lays side by side what the clients saw, the ledger and the simulator's bill.
func (c *chaos) check() {
	entries, calls := c.entries(), c.received()
	pairs := c.pair(entries, calls)
	c.tagEarly(calls, pairs)
	c.checkKeys(calls, pairs)
	c.checkAmounts(entries, calls, pairs)
	c.checkBudgets(calls)
	c.checkDearer(calls, pairs)
	c.checkFolders()
	unknown := 0
	for _, e := range entries {
		if !e.known() {
			unknown++
		}
	}
	c.t.Logf("%d requests in %d calls, %d attempts of which %d end unknown, %d reached the simulator, disk filled: %v",
		len(c.plans), c.calls.Load(), len(entries), unknown, len(calls), c.disk)
}

func (c *chaos) entries() (all []*entry) {
	rows, err := c.db.Query(`SELECT id, request, client, project, model, state, stage, verdict, charged, response_id, opened, sent, settled, deadline, status, cost_low, cost_high FROM attempts ORDER BY opened, id`)
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		var at [4]int64
		if err := rows.Scan(&e.id, &e.request, &e.client, &e.project, &e.model, &e.state, &e.stage, &e.verdict, &e.charged, &e.response, &at[0], &at[1], &at[2], &at[3], &e.status, &e.low, &e.high); err != nil {
			c.t.Fatal(err)
		}
		for i, to := range []*time.Time{&e.opened, &e.sent, &e.settled, &e.deadline} {
			*to = time.UnixMilli(at[i])
		}
		if e.opened.After(time.Now()) { // by the last gateway on a shared store, whose clock is ahead
			for _, to := range []*time.Time{&e.opened, &e.sent, &e.settled, &e.deadline} {
				*to = to.Add(-chaosShift)
			}
		}
		all = append(all, &e)
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return all
}

// received are the generations that the simulator was asked for.
func (c *chaos) received() (calls []*call) {
	var all []*call
	c.sim.get("/sim/requests", &all)
	for _, a := range all {
		if m := tagged.FindStringSubmatch(a.Prompt); m != nil {
			a.tag, a.client = m[1], m[2]
		}
		if strings.Contains(a.Path, "enerateContent") {
			calls = append(calls, a)
		}
	}
	return calls
}

// pair finds for each call the entry that is its attempt: by Google's id of the
// answer where the ledger has one, else one of the same client, project and model
// that was out at the time and whose amount is the call's, or a range around it that
// this call may have. Where several are alike, it finds the way in which as many as
// possible fit.
func (c *chaos) pair(entries []*entry, calls []*call) map[*call]*entry {
	pairs, taken := map[*call]*entry{}, map[*entry]*call{}
	byID := map[string]*entry{}
	for _, e := range entries {
		if e.response != "" {
			byID[e.response] = e
		}
	}
	var open []*call
	for _, a := range calls {
		if e := byID[a.ResponseID]; a.ResponseID != "" && e != nil && taken[e] == nil {
			pairs[a], taken[e] = e, a
		} else {
			open = append(open, a)
		}
	}
	type place struct{ project, model string }
	at := map[place][]*entry{}
	for _, e := range entries {
		if taken[e] == nil {
			at[place{e.project, e.model}] = append(at[place{e.project, e.model}], e)
		}
	}
	fits := func(a *call, e *entry) bool {
		// What was given up may reach Google later than that.
		late := e.known() && a.Time.After(e.settled.Add(2*time.Millisecond))
		return !late && (a.client == "" || a.client == e.client) && !a.Time.Before(e.opened.Add(-2*time.Millisecond)) &&
			e.low <= a.Charged && a.Charged <= e.high && (e.known() || c.mayBeRange(a, e))
	}
	var place2 func(a *call, tried map[*entry]bool) bool
	place2 = func(a *call, tried map[*entry]bool) bool {
		for _, e := range at[place{a.Project, a.Model}] {
			if tried[e] || !fits(a, e) {
				continue
			}
			tried[e] = true
			if taken[e] == nil || place2(taken[e], tried) {
				pairs[a], taken[e] = e, a
				return true
			}
		}
		return false
	}
	for _, a := range open {
		if !place2(a, map[*entry]bool{}) {
			c.t.Errorf("call %d of the simulator (%s on %s, fault %q, status %d, %d nano-dollars) stands nowhere in the ledger with its amount", a.ID, a.tag, a.Project, a.Fault, a.Status, a.Charged)
			for _, e := range at[place{a.Project, a.Model}] {
				c.t.Logf("arrived %s; attempt %s of %s: %s %s, opened %s, settled %s, deadline %s, %d to %d", stamp(a.Time), e.id, e.client, e.state, e.verdict, stamp(e.opened), stamp(e.settled), stamp(e.deadline), e.low, e.high)
			}
		}
	}
	for _, e := range entries {
		if taken[e] == nil && e.low > 0 {
			c.t.Errorf("attempt %s of %s stands in the ledger with %d to %d nano-dollars (%s), and nothing reached the simulator", e.id, e.client, e.low, e.high, e.verdict)
		}
	}
	return pairs
}

func stamp(t time.Time) string { return t.Format("15:04:05.000") }

// tagEarly finds out by the id of the request whose the calls are that were answered
// before they were read. One whose answer never came to the ledger stays nobody's.
func (c *chaos) tagEarly(calls []*call, pairs map[*call]*entry) {
	tags := map[string]string{}
	for _, p := range c.plans {
		for _, r := range append(p.seen, p.closed) {
			if id := r.header.Get("Plantain-Request-Id"); id != "" {
				tags[id] = p.tag
			}
		}
	}
	for _, a := range calls {
		if e := pairs[a]; a.tag == "" && e != nil && e.response != "" && e.response == a.ResponseID {
			a.tag, a.client = tags[e.request], e.client
		}
	}
}

// checkKeys: each key got exactly one image, one explained refusal or one explained
// unknown, and none was paid for twice.
func (c *chaos) checkKeys(calls []*call, pairs map[*call]*entry) {
	paid := map[string][]*call{}
	for _, a := range calls {
		if a.Charged > 0 {
			paid[a.tag] = append(paid[a.tag], a)
		}
	}
	kinds, said := map[string]int{}, map[string]int{}
	for _, p := range c.plans {
		if p.key == "" {
			continue
		}
		if n := len(paid[p.tag]); n > 1 {
			c.t.Errorf("%s: Google was paid %d times", p.tag, n)
			for _, a := range paid[p.tag] {
				c.t.Logf("%+v is %+v", *a, pairs[a])
			}
		}
		final, missed := p.outcome()
		kinds[final]++
		said[final+" "+p.closed.header.Get("Plantain-Verdict")]++
		if missed != "" {
			c.t.Errorf("%s: %s", p.tag, missed)
		}
		if final == "image" && len(paid[p.tag]) == 0 {
			c.t.Errorf("%s: got an image that nobody paid for", p.tag)
		}
		if final == "refusal" && p.closed.detail["charged"] == "no" && len(paid[p.tag]) > 0 && !p.sawAnswer() {
			c.t.Errorf("%s: was refused as free, and Google was paid", p.tag)
		}
	}
	c.t.Logf("what the keys came to: %v", said)
	for _, kind := range []string{"image", "refusal", "unknown"} {
		if kinds[kind] == 0 {
			c.t.Errorf("no key came to %s", kind)
		}
	}
}

func (p *plan) sawAnswer() bool {
	for _, r := range p.seen {
		if r.err == nil && r.status == 200 {
			return true
		}
	}
	return false
}

// kind is what a reply comes to; empty: it is not explained.
func (r reply) kind() string {
	switch {
	case r.err != nil:
		return "nothing"
	case r.broke && r.detail == nil && !r.image:
		return "refusal" // an error of Google's own in a stream is handed on as it came
	case r.status == 200 && r.image && r.detail == nil:
		return "image"
	case r.status == 200 && r.detail == nil:
		return "refusal" // Google's own: filtered, words alone, truncated
	case r.detail["verdict"] == "" || r.detail["charged"] == "":
		return ""
	case r.detail["charged"] == "unknown":
		return "unknown"
	}
	return "refusal"
}

// outcome is what a key came to, and what is wrong with it.
func (p *plan) outcome() (kind, wrong string) {
	kind = p.closed.kind()
	if kind == "" || kind == "nothing" {
		return kind, "in the end it is not explained: " + p.closed.text
	}
	for _, r := range p.seen {
		switch was := r.kind(); {
		case was == "":
			return kind, "it is not explained: " + r.text
		case was == "image" && kind == "image" && r.sum != p.closed.sum:
			return kind, "it got two images"
		case was == "image" && kind != "image" && p.closed.detail["charged"] != "yes":
			return kind, "it got an image, and in the end " + kind + ": " + p.closed.text
		case was == "unknown" && kind != "unknown" && p.closed.detail["charged"] != "yes":
			return kind, "it was told unknown, and in the end " + kind + ": " + p.closed.text
		}
	}
	return kind, ""
}

// checkAmounts: whose answer was seen stands with the exact amount; a range needs a
// reason.
func (c *chaos) checkAmounts(entries []*entry, calls []*call, pairs map[*call]*entry) {
	byID := map[string]*entry{}
	for _, e := range entries {
		if e.response != "" {
			byID[e.response] = e
		}
	}
	for _, p := range c.plans {
		for _, r := range append(p.seen, p.closed) {
			if r.err == nil && r.status == 200 && r.response != "" && r.header.Get("Plantain-Attempts") != "0" {
				if e := byID[r.response]; e == nil {
					c.t.Errorf("%s: the answer %s that the client has is not in the ledger", p.tag, r.response)
				}
			}
		}
	}
	for _, e := range entries {
		if e.state == "sent" {
			c.t.Errorf("attempt %s of %s was never settled", e.id, e.client)
		}
	}
	for _, a := range calls {
		e := pairs[a]
		if e == nil {
			continue
		}
		if a.Charged < e.low || a.Charged > e.high {
			c.t.Errorf("%s: the ledger has %d to %d nano-dollars, the simulator %d (fault %q, %s %s)", a.tag, e.low, e.high, a.Charged, a.Fault, e.state, e.verdict)
		}
		if !e.known() && !c.mayBeRange(a, e) {
			c.t.Errorf("%s: its answer was seen (%q, status %d) and stands as %s, %d to %d nano-dollars (%s)", a.tag, a.Fault, a.Status, e.state, e.low, e.high, e.verdict)
		}
	}
}

// mayBeRange says that the ledger cannot know the amount of a call: its end was not
// seen, or nobody says whether it is charged, and then the range ends at the amount.
func (c *chaos) mayBeRange(a *call, e *entry) bool {
	switch {
	case e.state == "unknown":
		return slices.ContainsFunc(c.kills, func(s span) bool { return !e.opened.After(s.to) && !e.settled.Before(s.from) })
	case a.Whole && e.charged == "" && (e.verdict == "no_image" || e.verdict == ""): // unknown and unclassifiable are written so
		return e.low == 0 && e.high == a.Charged
	case e.settled.Sub(e.opened) >= chaosTimeout:
		return true
	}
	return !a.Whole && a.Status < 400 || a.Status == 499 // which is whose client left
}

// checkBudgets: none is exceeded by even one image.
func (c *chaos) checkBudgets(calls []*call) {
	images, dollars := map[string]int{}, map[string]int64{}
	for _, a := range calls {
		if a.Charged > 0 {
			images[a.client] += a.Images
			dollars[a.client] += a.Charged
		}
	}
	for n, of := range c.budgets {
		name := clientName(n)
		if of.dearer {
			continue
		}
		if most := of.images * c.days(); images[name] > most && of.images > 0 {
			c.t.Errorf("%s may have %d images and Google made %d", name, most, images[name])
		}
		if of.dollars > 0 && dollars[name] > of.dollars {
			c.t.Errorf("%s may spend %d nano-dollars and spent %d", name, of.dollars, dollars[name])
		}
	}
}

// checkDearer: an answer that brings more than was asked for counts in full. So where
// a budget is used up by what is settled, nothing is sent any more. An entry is dated
// before the disk has it; that it counts is sure when a client has the answer.
func (c *chaos) checkDearer(calls []*call, pairs map[*call]*entry) {
	had := map[string]time.Time{} // by request
	for _, p := range c.plans {
		for _, r := range append(p.seen, p.closed) {
			id := r.header.Get("Plantain-Request-Id")
			if at, ok := had[id]; r.err == nil && id != "" && (!ok || r.at.Before(at)) {
				had[id] = r.at
			}
		}
	}
	for n, of := range c.budgets {
		var mine []*call
		for _, a := range calls {
			if e := pairs[a]; of.dearer && e != nil && e.client == clientName(n) {
				mine = append(mine, a)
			}
		}
		for _, a := range mine {
			images, dollars := 0, int64(0)
			for _, before := range mine {
				e := pairs[before]
				if at, ok := had[e.request]; ok && e.known() && e.high > 0 && at.Before(pairs[a].opened) {
					images, dollars = images+before.Images, dollars+e.high
				}
			}
			if images >= of.images*c.days() || dollars >= of.dollars {
				c.t.Errorf("%s had %d images of %d for %d nano-dollars of %d, and %s was sent", clientName(n), images, of.images, dollars, of.dollars, a.tag)
			}
		}
	}
}

// days is how many Pacific days the run was in.
func (c *chaos) days() int {
	pacific, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		c.t.Fatal(err)
	}
	end := time.Now()
	if c.shared {
		end = end.Add(chaosShift)
	}
	if c.begun.In(pacific).Day() != end.In(pacific).Day() {
		return 2
	}
	return 1
}

// checkFolders: each file belongs to a row, and each row has its file. Signatures have
// no rows; of them none may be half written.
func (c *chaos) checkFolders() {
	if half, _ := filepath.Glob(filepath.Join(c.dir, "images", "signatures", ".*")); len(half) > 0 {
		c.t.Errorf("half written: %v", half)
	}
	for folder, query := range map[string]string{
		"spool":   `SELECT '' WHERE 1 = 0`,
		"answers": `SELECT request FROM answers WHERE kept > 0 AND size >= 0`,
		"gallery": `SELECT id || '' FROM images`,
	} {
		rows, err := c.db.Query(query)
		if err != nil {
			c.t.Fatal(err)
		}
		owed := map[string]bool{}
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				c.t.Fatal(err)
			}
			owed[name] = true
		}
		if err := rows.Err(); err != nil {
			c.t.Fatal(err)
		}
		files, err := os.ReadDir(filepath.Join(c.dir, "images", folder))
		if err != nil {
			c.t.Error(err)
		}
		for _, f := range files {
			name := strings.TrimSuffix(f.Name(), filepath.Ext(f.Name()))
			if !owed[name] {
				c.t.Errorf("nobody owns the file %s in %s", f.Name(), folder)
			}
			delete(owed, name)
		}
		for name := range owed {
			c.t.Errorf("the file %s in %s is gone", name, folder)
		}
	}
}
