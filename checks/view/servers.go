package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Line is one address of a mail server in the overview, or a server without any.
type Line struct {
	Host       *report.Host
	Address    *report.Address // nil for a host without any
	First      bool            // the first line of its host
	Stages     []Stage         // one a column
	NotReached string          // why the stages are missing
}

// Stage is how one stage went at one address.
type Stage struct {
	Name string
	Word
	Verdict report.Verdict // gravest of the check's findings; empty where nothing was found
	Host    bool           // it is about the host
}

// Overview lists every address of every mail server, in the order senders try them.
func (r Report) Overview() []Line {
	var lines []Line
	for _, h := range r.inOrder() {
		if len(h.Addresses) == 0 {
			why := NotTested(h.NotTested)
			if why == "" {
				why = "no address"
			}
			if h.Failure != nil {
				why = h.Failure.Text
			}
			lines = append(lines, Line{Host: h, First: true, NotReached: why})
		}
		for i, a := range h.Addresses {
			lines = append(lines, r.line(h, a, i == 0))
		}
	}
	return lines
}

// Server is a mail server as a row of the overview, or several that are alike.
type Server struct {
	Hosts []*report.Host // in the order senders try them; of several the findings and all words of the row are the same
	Lines []Line         // one an address; of several hosts only one, which holds for all
}

// Servers are the lines of the overview by server, those that are alike together.
func (r Report) Servers() []Server {
	var list []Server
	seen := make(map[string]int)
	for lines := r.Overview(); len(lines) > 0; {
		n := 1
		for n < len(lines) && !lines[n].First {
			n++
		}
		s := Server{[]*report.Host{lines[0].Host}, lines[:n]}
		lines = lines[n:]
		alike := r.likeness(s)
		if i, known := seen[alike]; known && alike != "" {
			list[i].Hosts, list[i].Lines = append(list[i].Hosts, s.Hosts[0]), list[i].Lines[:1]
			continue
		}
		seen[alike] = len(list)
		list = append(list, s)
	}
	return list
}

// likeness is the same for servers that are alike; empty for one whose addresses are not, which is
// like no other.
func (r Report) likeness(s Server) string {
	said := make([]string, len(s.Lines))
	for i, l := range s.Lines {
		said[i] = fmt.Sprintf("%s %+v", l.NotReached, l.Stages)
		for _, f := range r.Findings {
			if f.Host == l.Host.Name && (f.Address == "" || l.Address != nil && f.Address == l.Address.IP) {
				said[i] += " " + f.Rule + " " + string(f.Verdict)
			}
		}
	}
	if slices.Sort(said); said[0] != said[len(said)-1] {
		return ""
	}
	return said[0]
}

// Name are the names of the hosts.
func (s Server) Name() string {
	var names []string
	for _, h := range s.Hosts {
		names = append(names, h.Name)
	}
	return named(names)
}

// Preference are their preferences, each once.
func (s Server) Preference() string {
	var list []string
	for _, h := range s.Hosts {
		if p := fmt.Sprint(h.Preference); !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return strings.Join(list, ", ")
}

// byNumber orders names whose numbers count as numbers.
func byNumber(a, b string) int {
	for a != "" && b != "" {
		m, restA := number(a)
		n, restB := number(b)
		switch {
		case m != "" && n != "":
			if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); c != 0 {
				return c
			}
			a, b = restA, restB
		case a[0] != b[0]:
			return cmp.Compare(a[0], b[0])
		default:
			a, b = a[1:], b[1:]
		}
	}
	return cmp.Compare(len(a), len(b))
}

// number is the number that a name begins with, without zeros in front, and the rest.
func number(s string) (digits, rest string) {
	rest = strings.TrimLeft(s, "0123456789")
	return strings.TrimLeft(s[:len(s)-len(rest)], "0"), rest
}

func (r Report) line(h *report.Host, a *report.Address, first bool) Line {
	l := Line{Host: h, Address: a, First: first}
	switch {
	case a.NotTested != "":
		l.NotReached = NotTested(a.NotTested)
	case !a.Reachable && a.Failure != nil:
		l.NotReached = a.Failure.Text
	case !a.Reachable:
		l.NotReached = "not reached"
	default:
		for _, c := range r.Columns {
			l.Stages = append(l.Stages, r.stage(c, h, a))
		}
	}
	return l
}

func (r Report) stage(c Column, h *report.Host, a *report.Address) Stage {
	ip := ""
	if a != nil {
		ip = a.IP
	}
	return Stage{c.Name, c.Word(r.Observed(), h, a), r.mark(c.Check, h.Name, ip), c.Host}
}

// OfHost are the stages that are the same for all addresses of a host, whether they answer or not.
func (r Report) OfHost(h *report.Host) (list []Stage) {
	for _, c := range r.Columns {
		if c.Host {
			list = append(list, r.stage(c, h, nil))
		}
	}
	return list
}

// mark is the gravest verdict of a check about an address; empty where nothing was found.
func (r Report) mark(check report.CheckID, host, address string) report.Verdict {
	var v report.Verdict
	for _, f := range r.Findings {
		if f.Check == check && f.Host == host && (f.Address == address || f.Address == "") && gravity(f.Verdict) > gravity(v) {
			v = f.Verdict
		}
	}
	return v
}

// Reached counts the mail servers and those of their addresses that answered.
func (r Report) Reached() string {
	var all, answered int
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			all++
			if a.Reachable {
				answered++
			}
		}
	}
	text := Plural(len(r.Hosts), "server") + ", "
	switch {
	case all == 0:
		return text + "no address"
	case all == 1 && answered == 1:
		return text + "1 address, which answers"
	case all == answered:
		return text + fmt.Sprintf("%d addresses, all answer", all)
	}
	return text + fmt.Sprintf("%d of %d addresses answer", answered, all)
}

// Stopped are the failures that kept us from the servers, for a domain without a letter.
func (r Report) Stopped() []string {
	var list []string
	add := func(f *report.Failure) {
		if f != nil && f.Text != "" && !slices.Contains(list, f.Text) {
			list = append(list, f.Text)
		}
	}
	if r.MX != nil {
		add(r.MX.Failure)
	}
	for _, h := range r.Hosts {
		add(h.Failure)
		for _, a := range h.Addresses {
			add(a.Failure)
		}
	}
	return list
}

// NotTested says why a host or an address was not asked.
func NotTested(why report.NotTested) string {
	switch why {
	case "":
		return ""
	case report.NotTestedForbidden:
		return "never contacted: a special-purpose address"
	case report.NotTestedMapped:
		return "never contacted: an IPv4 address written as IPv6"
	case report.NotTestedLimit:
		return "not asked: enough others were"
	case report.NotTestedNoAddress:
		return "it has no address"
	}
	return "not asked: " + string(why)
}

// STARTTLS says how far STARTTLS came.
func STARTTLS(state report.STARTTLS) string {
	switch state {
	case report.Works:
		return "works"
	case report.NotOffered:
		return "not offered"
	case report.HandshakeFailed:
		return "handshake fails"
	case report.NotTried, "":
		return "not tested"
	}
	return string(state)
}
