package sqlite

import (
	"testing"

	"mxseal/web/store/storetest"
)

// The suite of all stores that keep watches.
func TestWatches(t *testing.T) {
	storetest.RunWatches(t, func(t *testing.T) storetest.Watches[*Tx] { s, _ := opened(t); return s })
}
