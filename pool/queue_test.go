package pool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/plantainhq/plantain"
)

// drain lets the head of a line leave until nobody waits, and gives the order.
func drain(t *testing.T, q *Queue, places map[string]*Place) string {
	t.Helper()
	var order []string
	for len(places) > 0 {
		left := len(places)
		for name, p := range places {
			if head, _ := q.isHead(p); head {
				order = append(order, name)
				q.Took(p, noon, 0)
				q.Leave(p)
				delete(places, name)
			}
			if len(places) < left {
				break
			}
		}
		if len(places) == left {
			t.Fatal("nobody is at the head")
		}
	}
	return strings.Join(order, " ")
}

func join(t *testing.T, q *Queue, client plantain.ClientName, p Priority) *Place {
	t.Helper()
	place, err := q.Join("nb2", client, p)
	if err != nil {
		t.Fatal(err)
	}
	return place
}

func TestClientsTakeTurns(t *testing.T) {
	t.Parallel()
	var q Queue
	places := map[string]*Place{}
	for i := range 4 {
		places[fmt.Sprint("flood", i)] = join(t, &q, "flood", Normal)
	}
	places["single"] = join(t, &q, "single", Normal)
	if got := drain(t, &q, places); got != "flood0 single flood1 flood2 flood3" {
		t.Errorf("served %s", got)
	}
}

func TestAHigherPriorityGoesFirst(t *testing.T) {
	t.Parallel()
	var q Queue
	places := map[string]*Place{
		"head": join(t, &q, "a", Normal), "low": join(t, &q, "b", Low), "normal": join(t, &q, "c", Normal), "high": join(t, &q, "d", High),
	}
	q.Leave(places["head"])
	delete(places, "head")
	if got := drain(t, &q, places); got != "high normal low" {
		t.Errorf("served %s", got)
	}
}

func TestALongSilenceEarnsNoMoreThanOneTurn(t *testing.T) {
	t.Parallel()
	var q Queue
	for range 50 {
		p := join(t, &q, "busy", Normal)
		q.Took(p, noon, 0)
		q.Leave(p)
	}
	places := map[string]*Place{"keep": join(t, &q, "busy", Normal)}
	for i := range 2 {
		places[fmt.Sprint("new", i)] = join(t, &q, "new", Normal)
		places[fmt.Sprint("busy", i)] = join(t, &q, "busy", Normal)
	}
	if got := drain(t, &q, places); got != "keep new0 busy0 new1 busy1" {
		t.Errorf("served %s", got)
	}
}

func TestAFullQueueRefuses(t *testing.T) {
	t.Parallel()
	var q Queue
	q.Allow(2)
	first := join(t, &q, "a", Normal)
	join(t, &q, "a", Normal)
	if _, err := q.Join("nb2", "a", Normal); !errors.Is(err, ErrQueueFull) {
		t.Errorf("got %v", err)
	}
	q.Leave(first)
	join(t, &q, "a", Normal)
}

func TestWhoLeavesMakesRoomForTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q Queue
		head, second := join(t, &q, "a", Normal), join(t, &q, "b", Normal)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := q.Wait(ctx, second); err == nil {
			t.Error("the second was at the head")
		}
		came := make(chan error)
		go func() { came <- q.Wait(context.Background(), second) }()
		synctest.Wait()
		q.Leave(head)
		if err := <-came; err != nil {
			t.Error(err)
		}
		q.Leave(second)
		q.Leave(second)
		if q.Len() != 0 || q.Line("nb2") != 0 {
			t.Errorf("%d still wait", q.Len())
		}
	})
}

func TestTheHeadCanBeOvertaken(t *testing.T) {
	t.Parallel()
	var q Queue
	q.Leave(join(t, &q, "flood", Normal))
	keep, flood := join(t, &q, "other", Normal), join(t, &q, "flood", Normal)
	q.Leave(keep)
	next := join(t, &q, "flood", Normal)
	if head, _ := q.isHead(flood); !head {
		t.Fatal("the flood is not at the head")
	}
	single := join(t, &q, "single", Normal)
	high := join(t, &q, "flood", High)
	if head, _ := q.isHead(high); !head {
		t.Error("a higher priority did not overtake")
	}
	q.Leave(high)
	places := map[string]*Place{"flood": flood, "next": next, "single": single}
	if got := drain(t, &q, places); got != "flood single next" && got != "single flood next" {
		t.Errorf("served %s", got)
	}
}

func TestWhoGivesUpTakesNoTurn(t *testing.T) {
	t.Parallel()
	var q Queue
	places := map[string]*Place{}
	for i := range 5 {
		places[fmt.Sprint("flood", i)] = join(t, &q, "flood", Normal)
	}
	q.Leave(join(t, &q, "flood", Normal)) // the last one hangs up
	for range 30 {                        // another priority has its own turns
		p := join(t, &q, "vip", High)
		q.Took(p, noon, 0)
		q.Leave(p)
	}
	places["single"] = join(t, &q, "single", Normal)
	if got := drain(t, &q, places); got != "flood0 single flood1 flood2 flood3 flood4" {
		t.Errorf("served %s", got)
	}
}
