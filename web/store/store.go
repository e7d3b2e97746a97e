// Package store keeps reports, and whatever else has to outlive a process: what it promises, the
// statements that keep and find it, and the form in which a report lies there (codec.go). Where it lies is
// below: web/store/sqlite is one file of SQLite for one process, web/store/postgres a database of
// PostgreSQL for several. They speak the same SQL here; what they do differently is an Engine.
//
// What a store is asked, all of it safe for concurrent use:
//
//	Save(ctx, *report.Report) error                        // whole and for good, or not at all
//	Get(ctx, id) (*report.Report, error)                   // the report of that id
//	Latest(ctx, domain) (*report.Report, error)            // the youngest that is sound, else the youngest
//	Firm(ctx, domain) (*report.Report, error)              // the youngest whose letter is firm
//	Entry(ctx, id) (Entry, error)                          // what a list shows of one, unread
//	History(ctx, domain, n) ([]Entry, error)               // the youngest n, youngest first
//	Until(ctx, domain, moment, n) ([]Entry, error)         // of these, none younger than a moment
//	Expire(ctx, before) (n int64, err error)               // deletes what is older than a moment
//	Reports(ctx) (int64, error), Size(ctx) (int64, error)  // how many, and how many octets
//	Lost() int                                             // how many Save could not keep
//	Health(ctx) Health                                     // whether reports can be read and kept
//	Change(ctx, func(*Tx) error) error                     // several things at once, or none of them
//	Tend(ctx) error                                        // keeps what lies there in shape
//
// What it promises:
//
//   - A report that Save acknowledged is there and whole until Expire takes it away, also after a kill
//     or a power cut. It is never changed; a second one under its id is an error.
//   - What comes out is what was put in, but for the sentences: those are left out on the way in and
//     put back by nobody here (checks.Explain does, by the rules of the day). Times keep milliseconds.
//   - A domain is an A-label. Of two reports of one moment the one that was saved later is younger. One
//     that a wrong clock has dated in the future stands behind all others until that moment has come.
//   - A report that trouble of our own has spoilt (report.Report.Spoilt) is the latest only where there
//     is no sound one, and never firm.
//   - A row that cannot be read stops nobody: Latest and Firm pass it over and log it, and Get says
//     ErrUnreadable. No row makes a reader take more memory than MaxReport octets of text ask for.
//   - A change is made whole or not at all, and what is to be done later because of it (web/jobs) is a
//     part of it.
//   - Nobody waits for Expire, neither who reads nor who saves.
//
// The suite that holds every store to it is web/store/storetest.
package store

import (
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"mxseal/checks/report"
)

// ErrNotFound says that no such report is kept.
var ErrNotFound = errors.New("no such report")

// ErrUnreadable says that a report is kept and cannot be read: it was damaged, or it is larger than
// a report may be. A new one of its domain takes its place.
var ErrUnreadable = errors.New("a kept report cannot be read")

// ErrNewer says that what is kept was written by a newer version of the program.
var ErrNewer = errors.New("the file is that of a newer version")

// ErrOlder says that what is kept is of an older version of the program, and that this process may not
// change that.
var ErrOlder = errors.New("the database is that of an older version")

// Entry is what a list of reports shows of one.
type Entry struct {
	ID          string
	CheckedAt   time.Time // UTC, in milliseconds
	Letter      report.Letter
	Provisional bool
	Rules       int // version of the rule set
}

// Health is how a store is; both are nil where all is well.
type Health struct {
	Read  error // why nothing can be read
	Write error // why nothing can be kept: the last report or change could not be, and that is so still
}

// NewID returns a fresh report id: 26 characters of lower-case base32, 130 bits that
// nobody can guess.
func NewID() string { return strings.ToLower(rand.Text()) }

// IsID reports whether a text has the form of a report id.
func IsID(text string) bool {
	return len(text) == 26 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz234567") == ""
}
