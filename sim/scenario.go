package sim

import (
	"fmt"
	"io"
)

// LoadScenario reads what goes wrong, and when: a JSON array of faults as POST /sim/faults takes them, with "at" (or
// "after") counted from the start. It errs on unknown names and keys. The folder scenarios has examples.
func LoadScenario(r io.Reader) ([]Fault, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	list, err := readFaults(body)
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	for i := range list {
		if err := list[i].validate(); err != nil {
			return nil, fmt.Errorf("read scenario: %w", err)
		}
	}
	return list, nil
}
