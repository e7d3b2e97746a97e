package sqlite

import (
	"testing"

	"mxseal/web/store"
	"mxseal/web/store/storetest"
)

// The suite of all stores that keep watches.
func TestInboxes(t *testing.T) {
	storetest.RunInboxes(t, func(t *testing.T) *store.Store { s, _ := opened(t); return s })
}

func TestWatches(t *testing.T) {
	storetest.RunWatches(t, func(t *testing.T) *store.Store { s, _ := opened(t); return s })
}
