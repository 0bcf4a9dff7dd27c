package pool_test

import (
	"testing"

	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/pool/windowstest"
)

func TestMemoryKeepsThePromisesOfWindows(t *testing.T) {
	t.Parallel()
	windowstest.Run(t, func(*testing.T) func() pool.Store {
		var m pool.Memory
		return func() pool.Store { return &m }
	})
}
