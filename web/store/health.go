package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// Health reports whether reports can be read and kept.
func (s *Store) Health(ctx context.Context) (h Health) {
	var there bool
	if h.Read = s.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM reports)").Scan(&there); h.Read == nil {
		h.Write = s.writable(ctx)
	}
	return h
}

// writable reports whether reports can be kept. It is taken for granted until something could not be kept;
// from then on it is tried, until it works again.
func (s *Store) writable(ctx context.Context) error {
	if !s.failing.Load() {
		return nil
	}
	if err := s.engine.Touch(ctx, true); err != nil {
		return fmt.Errorf("store: nothing can be kept: %w", err)
	}
	s.failing.Store(false)
	return nil
}

// Try writes what changes nothing, so that Health knows whether anything can be kept. Save and Change tell it
// by themselves; who writes by Writer does not.
func (s *Store) Try(ctx context.Context) error {
	err := s.engine.Touch(ctx, false)
	if s.ofDisk(err) {
		s.failing.Store(true)
	}
	return err
}

// Away reports whether an error says that the database, where what is kept lies in one, is not to be had.
// (Classes 08, connection; 53, resources; 57P, operator; 58, system; PostgreSQL 15 Appendix A.)
func Away(err error) bool {
	var refused interface{ SQLState() string }
	if !errors.As(err, &refused) {
		var network *net.OpError
		return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn)
	}
	return slices.ContainsFunc([]string{"08", "53", "57P", "58"}, func(class string) bool { return strings.HasPrefix(refused.SQLState(), class) })
}

// Reports returns how many reports are kept.
func (s *Store) Reports(ctx context.Context) (n int64, err error) {
	if err := s.read.QueryRowContext(ctx, "SELECT count(*) FROM reports").Scan(&n); err != nil {
		return 0, fmt.Errorf("store: count the reports: %w", err)
	}
	return n, nil
}

// Lost returns how many reports Save could not keep since the store was opened.
func (s *Store) Lost() int { return int(s.lost.Load()) }
