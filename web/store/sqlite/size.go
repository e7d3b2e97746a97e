package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Reports returns how many reports are kept.
func (s *Store) Reports(ctx context.Context) (n int64, err error) {
	if err := s.read.QueryRowContext(ctx, "SELECT count(*) FROM reports").Scan(&n); err != nil {
		return 0, fmt.Errorf("store: count the reports: %w", err)
	}
	return n, nil
}

// Size returns how many bytes the file takes on the disk, with the log of what was written
// to it lately.
func (s *Store) Size() (bytes int64, err error) {
	for _, path := range []string{s.path, s.path + "-wal"} {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) && path != s.path {
			continue // nothing was written yet
		}
		if err != nil {
			return 0, fmt.Errorf("store: %w", err)
		}
		bytes += info.Size()
	}
	return bytes, nil
}

// Lost returns how many reports Save could not keep since the file was opened.
func (s *Store) Lost() int { return int(s.lost.Load()) }
