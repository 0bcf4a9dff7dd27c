package relay_test

import (
	"testing"

	"github.com/plantainhq/plantain/relay"
	"github.com/plantainhq/plantain/relay/bookstest"
)

func TestMemoryKeepsThePromisesOfBooks(t *testing.T) {
	t.Parallel()
	bookstest.Run(t, func(*testing.T) bookstest.Books { return &relay.Memory{} })
}
