package pool

import "slices"

// A Change leads from a State to a later one of the same key. A busy state has
// hundreds of ticks and reservations, of which an attempt changes one: the Change has
// only that one. A Change from the zero State has all there is, and leads on from any.
type Change struct {
	From  int64                    `json:"from,omitempty"` // the Seq of the state that it leads from
	To    State                    `json:"to"`             // the one it leads to, without its lists
	Ticks splice[Ticks, Tick]      `json:"ticks,omitzero"`
	Days  splice[[]Day, Day]       `json:"days,omitzero"`
	Holds splice[[]Hold, Hold]     `json:"holds,omitzero"`
	Out   splice[[]Charge, Charge] `json:"out,omitzero"`
}

// ChangeOf gives what leads from one state to another. It shares lists with the
// latter.
func ChangeOf(from, to *State) Change {
	c := Change{From: from.Seq, To: *to}
	c.Ticks = spliceOf(from.Ticks, to.Ticks)
	c.Days = spliceOf(from.Days, to.Days)
	c.Holds = spliceOf(from.Holds, to.Holds)
	c.Out = spliceOf(from.Account.Out, to.Account.Out)
	c.To.Ticks, c.To.Days, c.To.Holds, c.To.Account.Out = nil, nil, nil, nil
	return c
}

// After gives the state that a change leads to from s, and leaves s as it is; false:
// the change does not lead on from s.
func (c *Change) After(s *State) (State, bool) {
	if c.From == 0 {
		s = &State{}
	}
	if s.Seq != c.From {
		return State{}, false
	}
	to, fits := c.To, [4]bool{}
	to.Ticks, fits[0] = c.Ticks.of(s.Ticks)
	to.Days, fits[1] = c.Days.of(s.Days)
	to.Holds, fits[2] = c.Holds.of(s.Holds)
	to.Account.Out, fits[3] = c.Out.of(s.Account.Out)
	return to, !slices.Contains(fits[:], false)
}

// A splice replaces a stretch of a list by another. The zero value changes nothing.
type splice[L ~[]E, E comparable] struct {
	At   int `json:"at,omitempty"`
	Drop int `json:"drop,omitempty"`
	Put  L   `json:"put,omitempty"`
}

// IsZero reports a splice that changes nothing.
func (s splice[L, E]) IsZero() bool { return s.Drop == 0 && len(s.Put) == 0 }

// spliceOf gives the shortest splice that makes one list of another: what both have
// in common at their beginning and at their end stays.
func spliceOf[L ~[]E, E comparable](from, to L) splice[L, E] {
	most := min(len(from), len(to))
	at := 0
	for at < most && from[at] == to[at] {
		at++
	}
	end := 0
	for end < most-at && from[len(from)-1-end] == to[len(to)-1-end] {
		end++
	}
	return splice[L, E]{at, len(from) - at - end, to[at : len(to)-end]}
}

// of gives the new list for an old one; false: the splice does not fit that.
func (s splice[L, E]) of(list L) (L, bool) {
	if s.At < 0 || s.Drop < 0 || s.At+s.Drop > len(list) {
		return nil, false
	}
	return slices.Concat(list[:s.At], s.Put, list[s.At+s.Drop:]), true
}
