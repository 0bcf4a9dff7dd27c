package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
)

// An incident is one of https://status.cloud.google.com/incidents.json.
type incident struct {
	Begin    time.Time `json:"begin"`
	End      string    `json:"end"` // empty: it is open
	Desc     string    `json:"external_desc"`
	Impact   string    `json:"status_impact"`
	Service  string    `json:"service_name"`
	URI      string    `json:"uri"`
	Products []struct {
		Title string `json:"title"`
	} `json:"affected_products"`
}

// ours are the products that an image depends on.
var ours = regexp.MustCompile(`(?i)gemini|vertex ai|generative|ai studio|identity and access|api gateway|multiple products`)

func (i incident) concerns() (product string, ok bool) {
	for _, p := range i.Products {
		if ours.MatchString(p.Title) {
			return p.Title, true
		}
	}
	return i.Service, len(i.Products) == 0 && ours.MatchString(i.Service)
}

// feed reads Google Cloud's status. That it can't be read is worth knowing, and no
// fault.
func (d *Doctor) feed(ctx context.Context) Finding {
	if d.Feed == "" {
		return skipped("No status_feed is configured.")
	}
	x := d.fetch(ctx, plantain.Secret{}, http.MethodGet, d.Feed, "")
	incidents, err := readFeed(x.body)
	if x.facts.Err != nil || x.facts.Status != http.StatusOK || err != nil {
		return unread(d.Feed, x, err)
	}
	others := 0
	for _, i := range incidents {
		if i.End != "" {
			continue
		}
		product, concerns := i.concerns()
		if !concerns {
			others++
			continue
		}
		f := Finding{State: Fault, Side: Google, Says: "Google reports trouble with " + product + ".",
			Evidence: fmt.Sprintf("since %s: %s", i.Begin.UTC().Format("2006-01-02 15:04 MST"), x.plain(i.Desc)),
			Fix:      "Wait until Google has mended it, or send what is urgent through another model or upstream."}
		if i.URI != "" {
			f.Fix += " Follow it on https://status.cloud.google.com/" + strings.TrimPrefix(i.URI, "/") + "."
		}
		return f
	}
	f := fine("Google Cloud reports no trouble with Gemini.")
	if others > 0 {
		f.Evidence = fmt.Sprintf("%d open incidents are of other products", others)
	}
	return f
}

func readFeed(body []byte) (incidents []incident, err error) {
	return incidents, json.NewDecoder(bytes.NewReader(body)).Decode(&incidents)
}

func unread(feed string, x *exchange, err error) Finding {
	f := Finding{State: Warning, Side: Network, Says: "The status feed can't be read.", Evidence: x.seen(),
		Fix: "Look at https://status.cloud.google.com in a browser; status_feed in plantain.yaml says where the feed is read: " + feed}
	switch {
	case x.facts.Err != nil:
		broken := x.broken()
		f.Evidence = broken.Says + " " + broken.Evidence
	case x.facts.Status == http.StatusOK && err != nil:
		f.Evidence = "what came is no list of incidents: " + x.plain(err.Error())
	}
	return f
}
