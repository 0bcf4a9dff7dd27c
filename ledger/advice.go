package ledger

import (
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// Demand is how many requests for a model came in a minute.
type Demand struct {
	Model      plantain.Model
	Minute     int64 // Unix time in minutes
	Sent       int64 // of which at least one attempt was sent, then or later
	TurnedAway int64 // for which there was no room in time
}

// Advice is the cheapest that would have been enough for the demand for a model.
type Advice struct {
	Model      plantain.Model `json:"model"`
	Requests   int64          `json:"requests"`
	TurnedAway int64          `json:"turned_away"` // of these
	Capacity   Capacity       `json:"capacity"`    // at present
	// Late are the requests that present limits would not have served in time, and
	// Longest what the others would have waited at the most, to the minute.
	Late    int64   `json:"late_requests"`
	Longest float64 `json:"longest_wait_seconds"`
	// Tier is the lowest one that would have been enough for all; zero: present limits
	// are, or none is.
	Tier  int            `json:"enough_tier,omitempty"`
	Tiers []TierCapacity `json:"tiers,omitempty"` // higher than that of some project
	// Batch are the requests that would have had to go by Google's Batch, so that present
	// limits were enough for the rest, and Saved what that would have saved.
	Batch int64                `json:"batch_requests,omitempty"`
	Saved plantain.Nanodollars `json:"batch_saves_nanodollars,omitempty"`
}

// Advise finds what would have been enough for the demand for one model, minute by
// minute, where a request may wait for a while. image is what one costs, and batch
// what it costs by Batch, in percent of that.
func Advise(demand []Demand, present Capacity, higher []TierCapacity, patience time.Duration, image plantain.Nanodollars, batch int) Advice {
	a := Advice{Capacity: present}
	for _, d := range demand {
		a.Model = d.Model
		a.Requests += d.Sent + d.TurnedAway
		a.TurnedAway += d.TurnedAway
	}
	late, longest := serve(demand, present, patience)
	a.Late, a.Longest = late, longest.Seconds()
	if late == 0 {
		return a
	}
	a.Batch, a.Saved = late, plantain.Nanodollars(late)*(image-image*plantain.Nanodollars(batch)/100)
	for _, t := range higher {
		t.Late, _ = serve(demand, t.Capacity, patience)
		a.Tiers = append(a.Tiers, t)
		if t.Late == 0 && a.Tier == 0 {
			a.Tier = t.Tier
		}
	}
	return a
}

// serve plays the demand through: those who came first are served first, as many a
// minute and a day as there may be, and who can't be within the patience is late.
func serve(demand []Demand, c Capacity, patience time.Duration) (late int64, longest time.Duration) {
	type group struct{ minute, requests int64 }
	var waiting []group
	minutes := int64(patience / time.Minute)
	var midnight, today int64 // of the Pacific day that is counted
	next := 0
	for minute := int64(0); next < len(demand) || len(waiting) > 0; minute++ {
		if len(waiting) == 0 {
			minute = demand[next].Minute
		}
		for ; next < len(demand) && demand[next].Minute == minute; next++ {
			waiting = append(waiting, group{minute, demand[next].Sent + demand[next].TurnedAway})
		}
		if minute >= midnight {
			midnight = gemini.Midnight(time.Unix(minute*60, 0)).Unix() / 60
			today = 0
		}
		for len(waiting) > 0 && minute-waiting[0].minute > minutes {
			late += waiting[0].requests
			waiting = waiting[1:]
		}
		for room := c.PerMinute; len(waiting) > 0; {
			n := waiting[0].requests
			if c.PerMinute >= 0 {
				n = min(n, room)
			}
			if c.PerDay >= 0 {
				n = min(n, c.PerDay-today)
			}
			if n == 0 {
				break
			}
			longest = max(longest, time.Duration(minute-waiting[0].minute)*time.Minute)
			room, today = room-n, today+n
			if waiting[0].requests -= n; waiting[0].requests == 0 {
				waiting = waiting[1:]
			}
		}
	}
	return late, longest
}
