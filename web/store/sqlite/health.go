package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"mxseal/web/store"
)

// room is what writable wants to see free on the disk, in octets: some ten reports and the
// log that SQLite writes ahead of them.
const room = 1 << 20

// Health reports whether reports can be read and kept.
func (s *Store) Health(ctx context.Context) (h store.Health) {
	var version int
	if h.Read = s.read.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); h.Read == nil {
		h.Write = s.writable(ctx)
	}
	return h
}

// writable reports whether reports can be kept. It is taken for granted until something could not be kept;
// from then on the disk is tried, until it takes what it is given again.
func (s *Store) writable(ctx context.Context) error {
	if !s.failing.Load() {
		return nil
	}
	if err := tryDisk(filepath.Dir(s.path)); err != nil {
		return fmt.Errorf("store: nothing can be kept: %w", err)
	}
	if err := s.touch(ctx); err != nil {
		return fmt.Errorf("nothing can be kept: %w", err)
	}
	s.failing.Store(false)
	return nil
}

// Try writes what changes nothing, so that Health knows whether the disk takes it. Save and Change tell it by
// themselves; who writes by Writer does not.
func (s *Store) Try(ctx context.Context) error {
	err := s.touch(ctx)
	if ofDisk(err) {
		s.failing.Store(true)
	}
	return err
}

// touch writes the version of the schema again.
func (s *Store) touch(ctx context.Context) error {
	var version int
	if err := s.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if _, err := s.write.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// tryDisk writes a file and takes it away again.
func tryDisk(folder string) error {
	f, err := os.CreateTemp(folder, "room-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	_, err = f.Write(make([]byte, room))
	return err
}
