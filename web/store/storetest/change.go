package storetest

import (
	"errors"
	"testing"

	"mxseal/web/store"
)

// Change holds a store to what is promised of changes: whole, or not at all. put does something
// within a change, and there reports whether that is in the store.
func Change(t *testing.T, change func(func(*store.Tx) error) error, put func(*store.Tx) error, there func() bool) {
	t.Helper()
	no := errors.New("no")
	if err := change(func(tx *store.Tx) error { return errors.Join(put(tx), no) }); !errors.Is(err, no) || there() {
		t.Errorf("a change that was given up: %v; it is there: %v", err, there())
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a panic within a change was kept back")
			}
		}()
		_ = change(func(tx *store.Tx) error { _ = put(tx); panic("oops") })
	}()
	if there() {
		t.Error("a change that panicked is there")
	}
	if err := change(put); err != nil || !there() {
		t.Errorf("a change that was made: %v; it is there: %v", err, there())
	}
}
