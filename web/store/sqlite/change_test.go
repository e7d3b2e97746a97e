package sqlite

import (
	"testing"

	"mxseal/web/store/storetest"
)

func TestChange(t *testing.T) {
	s, _ := opened(t)
	storetest.Change(t,
		func(do func(*Tx) error) error { return s.Change(t.Context(), do) },
		func(tx *Tx) error { _, err := tx.SQL().Exec("PRAGMA application_id = 7"); return err },
		func() bool {
			var id int
			if err := s.read.QueryRow("PRAGMA application_id").Scan(&id); err != nil {
				t.Fatal(err)
			}
			return id == 7
		})
	if err := s.Change(t.Context(), func(*Tx) error { return nil }); err != nil {
		t.Errorf("after one that panicked: %v", err)
	}
}

// Whoever writes after it finds the log of writes empty, and the file is as it was.
func TestTend(t *testing.T) {
	s, _ := opened(t)
	fill(t, s, batch)
	for range 2 {
		if err := s.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Reports(t.Context()); n != batch || err != nil {
		t.Errorf("%d reports, %v", n, err)
	}
	s.Close()
	if err := s.Tend(t.Context()); err == nil {
		t.Error("a closed file was tended")
	}
}
