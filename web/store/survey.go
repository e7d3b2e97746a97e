package store

import (
	"errors"
	"time"
)

// ErrExists says that something of that name is kept already.
var ErrExists = errors.New("there is one of that name")

// ErrEmpty says that a list holds no mail domain.
var ErrEmpty = errors.New("the list holds no mail domain")

// Survey is a list of domains that is looked at again and again.
type Survey struct {
	Name, Title string
	Every       time.Duration // between the beginnings of two runs; 0 for runs that are asked for
	Domains     int
	Named       bool // the domains are published, not only their numbers
}

// Line is one domain of a survey.
type Line struct {
	Domain string   // A-label
	Labels []string // that stood behind it
}

// Run is one look at all domains of a survey.
type Run struct {
	ID           int64
	Survey       string
	Date         string    // of its page: the day it began, 2026-11-28, with a number where an earlier one has that day (2026-11-28-2)
	Began, Ended time.Time // Ended is zero while it goes on
	Domains      int
	Fed          int    // lines of the list that there are jobs for, or were
	Done         int    // domains of which there is a result
	Looks        int    // at mail servers that were made for all of them
	Brief        []byte // JSON, of package surveys: what a plot of all runs shows of it; nil until it is counted
}

// Result is what a run found out about a domain.
type Result struct {
	Line
	N       int       // of the line
	Facts   []byte    // JSON, of package surveys
	Earlier [2]string // the letters of the domain in two earlier runs; empty where it was not part of them
}

// Block are some of the domains that are behind a number of a run.
type Block struct {
	Number string // a thing and an answer: dane:yes
	Lines  []int  // ascending
}
