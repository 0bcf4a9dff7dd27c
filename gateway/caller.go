package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

// requestID is how the ids of requests look. What is longer the books may not take:
// PostgreSQL indexes no more than 2,704 bytes.
var requestID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// callerOf reads who calls and what it wishes.
func callerOf(r *http.Request) (relay.Caller, error) {
	v := visitorOf(r)
	c := relay.Caller{Client: v.client, Allowance: v.may, Force: relay.Force(r.Header.Get("Plantain-Force"))}
	if v.may != nil && v.may.WarnWeak {
		c.Remark = remark
	}
	switch c.Force {
	case "", relay.ForceUnknown, relay.ForceFiltered:
	default:
		return c, fmt.Errorf("Plantain-Force: %q is not known; use %s or %s", c.Force, relay.ForceUnknown, relay.ForceFiltered)
	}
	switch p := r.Header.Get("Plantain-Priority"); p {
	case "", "normal":
	case "high":
		c.Priority = pool.High
	case "low":
		c.Priority = pool.Low
	default:
		return c, fmt.Errorf("Plantain-Priority: %q is not known; use high, normal or low", p)
	}
	if _, asked := r.Header["Plantain-Fallback"]; asked {
		c.Fallback = fallback(strings.Join(r.Header.Values("Plantain-Fallback"), ","))
	}
	if c.Project = plantain.ProjectName(r.Header.Get("Plantain-Project")); c.Project != "" && !visitorOf(r).admin {
		return c, errors.New("Plantain-Project: only an admin may choose the project that is asked; leave it out")
	}
	final := r.Header.Get("Plantain-Final")
	if final != "" && !requestID.MatchString(final) {
		return c, fmt.Errorf("Plantain-Final: %.80q is no id of a request; it is that of the draft, as Plantain-Request-Id said", final)
	}
	c.Final = plantain.RequestID(final)
	if c.Draft = r.Header.Get("Plantain-Draft"); c.Draft != "" && c.Final != "" {
		return c, errors.New("Plantain-Draft and Plantain-Final: a draft is no final; use one of the two")
	}
	if s := r.Header.Get("Plantain-Attempts"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return c, fmt.Errorf("Plantain-Attempts: %q is no number of attempts; 1 is the least", s)
		}
		c.Attempts = n
	}
	if s := r.Header.Get("Plantain-Max-Wait"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			return c, fmt.Errorf("Plantain-Max-Wait: %q is no duration; write it like 30s", s)
		}
		c.MaxWait = d
	}
	return c, nil
}

// fallback reads a list of models. It is never nil: "none", or an empty list,
// forbids what the configuration allows.
func fallback(list string) []plantain.Model {
	models := []plantain.Model{}
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" && name != "none" {
			models = append(models, plantain.Model(name))
		}
	}
	return models
}
