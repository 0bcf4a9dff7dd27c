package pool

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// AllowanceOrder is what a client should be allowed. What is absent stays as it is.
type AllowanceOrder struct {
	// Limits by name, such as "requests_per_minute" or "budget_per_month": budgets in
	// dollars; null: none.
	Limits  map[plantain.Limit]*json.Number `json:"limits,omitempty"`
	Models  *[]plantain.Model               `json:"models,omitempty"`   // empty: all
	MaxSize *string                         `json:"max_size,omitempty"` // empty: every size
	// WarnWeak switches the header Plantain-Lint on or off.
	WarnWeak *bool `json:"warn_weak,omitempty"`
}

// Apply changes an allowance as ordered, or says what is wrong with the order.
// catalogue knows the models.
func (o AllowanceOrder) Apply(a *plantain.Allowance, catalogue *gemini.Catalogue) error {
	limits := map[plantain.Limit]int64{}
	for l, n := range a.Limits {
		limits[l] = n
	}
	var errs []error
	for l, number := range o.Limits {
		n, err := sizeOf(l, number)
		errs = append(errs, err)
		if limits[l] = n; number == nil {
			delete(limits, l)
		}
	}
	models, size, warn := a.Models, a.MaxSize, a.WarnWeak
	if o.Models != nil {
		models = *o.Models
		errs = append(errs, checkModels(models, catalogue))
	}
	if o.MaxSize != nil {
		size = *o.MaxSize
		if size != "" && !slices.Contains(gemini.Sizes, size) {
			errs = append(errs, fmt.Errorf("max_size: %q is no size; write one of %s", size, strings.Join(gemini.Sizes, ", ")))
		}
	}
	if o.WarnWeak != nil {
		warn = *o.WarnWeak
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	*a = plantain.Allowance{Limits: limits, Models: models, MaxSize: size, WarnWeak: warn}
	return nil
}

// sizeOf reads the size of a limit; nil: 0.
func sizeOf(l plantain.Limit, number *json.Number) (int64, error) {
	switch {
	case !slices.Contains(plantain.AccountLimits, l):
		return 0, fmt.Errorf("limits: %q is not known; there are %s", l, plantain.Join(plantain.AccountLimits))
	case number == nil:
		return 0, nil
	case l.Money():
		n, err := plantain.ParseDollars(number.String())
		if err != nil {
			return 0, fmt.Errorf("%s: %w", l, err)
		}
		return int64(n), nil
	default:
		n, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil || n < 0 || n > 1e9 {
			return 0, fmt.Errorf("%s: %s is no whole number from 0 to a billion", l, number)
		}
		return n, nil
	}
}

func checkModels(models []plantain.Model, catalogue *gemini.Catalogue) error {
	for _, m := range models {
		if _, known := catalogue.Lookup(m); !known {
			var ids []plantain.Model
			for _, e := range catalogue.Models() {
				ids = append(ids, e.ID)
			}
			return fmt.Errorf("models: %q is not in the catalogue; there are %s", m, plantain.Join(ids))
		}
	}
	return nil
}
