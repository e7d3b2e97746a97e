package sqlite

import (
	"testing"

	"mxseal/web/store"
	"mxseal/web/store/storetest"
)

// The suite of all stores that keep surveys.
func TestSurveys(t *testing.T) {
	storetest.RunSurveys(t, func(t *testing.T) *store.Store { s, _ := opened(t); return s })
}
