package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/checks/follow"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// followed are the files by which somebody follows domains who runs no site.
type followed struct {
	calendar, feed string
	reports        []*report.Report // no more of each than the files need
	moments        []follow.Moment
}

func (f *followed) register(c *cobra.Command) {
	c.Flags().StringVar(&f.calendar, "calendar", "", "write what ends when into `FILE`, for a calendar (iCalendar)")
	c.Flags().StringVar(&f.feed, "feed", "", "put letters and broken promises that are new into `FILE`, for a feed reader (Atom); what it has stays")
}

func (f *followed) add(r *report.Report) {
	if f.calendar != "" {
		f.reports = append(f.reports, &report.Report{Meta: report.Meta{Domain: r.Domain, CheckedAt: r.CheckedAt}, Conclusions: report.Conclusions{Forecast: r.Forecast}})
	}
	if f.feed != "" {
		f.moments = append(f.moments, follow.At(view.Report{Report: r, Topics: checks.Topics()}, ""))
	}
}

func (f *followed) write() error {
	if f.calendar != "" {
		if err := replace(f.calendar, follow.Calendar(f.reports, nil)); err != nil {
			return fmt.Errorf("--calendar: %w", err)
		}
	}
	if f.feed == "" {
		return nil
	}
	before, err := os.ReadFile(f.feed)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--feed: %w", err)
	}
	if len(before) > 0 {
		old, err := follow.Read(before)
		if err != nil {
			return fmt.Errorf("--feed: %s: %w; name a file of its own", f.feed, err)
		}
		f.moments = append(f.moments, old...)
	}
	if err := replace(f.feed, follow.Feed("Mail domains", "tag:mxseal,2026:"+filepath.Base(f.feed), "", f.moments)); err != nil {
		return fmt.Errorf("--feed: %w", err)
	}
	return nil
}

// replace writes a file in one step, so that nobody reads half of it.
func replace(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".mxseal-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
