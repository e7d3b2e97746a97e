package scans

import (
	"fmt"
	"strings"
	"testing"

	"mxseal/checks/cache"
	"mxseal/checks/input"
	"mxseal/checks/report"
)

func TestWhatAScanSaysIsBounded(t *testing.T) {
	c := newScan("id", input.Domain{ASCII: "example.org", Unicode: "example.org"})
	for i := range maxMessages + 100 {
		c.note(report.Event{Finding: &report.Finding{Rule: "MX-04", Host: domain(i).ASCII}})
		c.note(report.Event{Progress: &report.Progress{Stage: "mx"}})
	}
	if news, _, _ := c.Events(0); len(news) > maxMessages || len(news) != c.View().Events {
		t.Errorf("%d events are kept", len(news))
	}
	if n := len(c.View().Findings); n > maxMessages {
		t.Errorf("%d findings are kept", n)
	}
	for _, n := range []int{-1, maxMessages, maxMessages + 1} { // whatever a client asks for
		c.Events(n)
	}
}

// What a running scan says is bounded in octets, and its end is told all the same.
func TestEventsAreBoundedInOctets(t *testing.T) {
	c := newScan("id", input.Domain{ASCII: "example.org", Unicode: "example.org"})
	c.begin()
	for i := range 3000 {
		c.note(report.Event{Finding: &report.Finding{Rule: "TLS-01", Host: fmt.Sprint("mx", i), Title: strings.Repeat("t", 300), Text: strings.Repeat("x", 4000)}})
		c.note(report.Event{Progress: &report.Progress{Stage: "tls", Host: fmt.Sprint("mx", i)}})
	}
	octets := 0
	news, ended, _ := c.Events(0)
	for _, e := range news {
		if e.Finding != nil {
			octets += cache.Octets(e.Finding)
		}
	}
	if octets > findingOctets || octets < findingOctets/2 || ended || len(c.View().Findings) > len(news) {
		t.Errorf("%d octets are kept in %d events, want at most %d", octets, len(news), findingOctets)
	}
	c.end()
	if _, ended, _ := c.Events(len(news)); !ended {
		t.Error("the end is not told")
	}
}

// A scan far behind hears of its place when that has changed by a tenth, and of the last ten one by
// one; whoever looks sees where it is.
func TestPlacesAreToldWhereTheyAreNews(t *testing.T) {
	c := newScan("", domain(0))
	for before := 500; before >= 0; before-- {
		c.wait(Queue{before, ForPlace})
		if at := c.View().Queue.Before; at != before {
			t.Fatalf("it stands at %d, seen at %d", before, at)
		}
	}
	news, _, _ := c.Events(0)
	if len(news) > 60 || news[0].Queue.Before != 500 || news[len(news)-1].Queue.Before != 0 {
		t.Errorf("%d events, from %+v to %+v", len(news), news[0].Queue, news[len(news)-1].Queue)
	}
	for i, e := range news[len(news)-exactly:] {
		if e.Queue.Before != exactly-1-i {
			t.Errorf("of the last ten: %d, want %d", e.Queue.Before, exactly-1-i)
		}
	}
	c.wait(Queue{0, ForMinute})
	if more, _, _ := c.Events(len(news)); len(more) != 1 {
		t.Errorf("what it waits for changes: %d events", len(more))
	}
}
