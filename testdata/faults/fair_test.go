package faults

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"mxseal/testdata/faults/world"
)

// nets are the servers of whole networks, opened once.
var nets = sync.OnceValues(func() (*world.Met, error) { return the.Nets() })

func met(t *testing.T) *world.Met {
	t.Helper()
	m, err := nets()
	must(t, err)
	m.Forget()
	return m
}

// all has domains checked at once, by visitors of whom each was never here before, and waits for
// the reports.
func all(t *testing.T, p *world.Program, domains ...string) (reports []*seen) {
	t.Helper()
	for _, d := range domains {
		if status, body := ask(p, d); status != http.StatusSeeOther {
			t.Fatalf("POST of %s: %d %.200s", d, status, body)
		}
	}
	for _, d := range domains {
		reports = append(reports, await(t, p, d, 2*time.Minute))
	}
	return reports
}

const sharedFlag = "fd77:7:7:7::/64"

// Forty strangers' domains, each with ten mail servers of four addresses, half of which lie in one
// /64: the network is asked so much in a minute, a check makes so many connections, what does not
// fit is said to be untested and is nobody's fault. Honest domains in the same network, whose mail
// servers have names of their own, keep their letter when strangers have used up their part.
func TestFortyChecksIntoOneNetwork(t *testing.T) {
	m := met(t)
	p := serve(t, t.TempDir(), "--allow-net", sharedFlag, "--timeout", "60s")
	before := check(t, p, world.Neighbour(0), 30*time.Second)
	base, _ := m.In(world.Shared)
	m.Forget()
	var strangers []string
	for n := range 40 {
		strangers = append(strangers, world.Wide(n))
	}
	for _, d := range strangers {
		if status, body := ask(p, d); status != http.StatusSeeOther {
			t.Fatalf("POST of %s: %d %.200s", d, status, body)
		}
	}
	connections, most, faults := 0, 0, 0
	for _, d := range strangers {
		r := await(t, p, d, 2*time.Minute)
		connections, most = connections+r.Connections, max(most, r.Connections)
		if r.Connections > 300 {
			t.Errorf("%s: %d connections in one check, want 300 at most", d, r.Connections)
		}
		untested := 0
		for _, h := range r.Hosts {
			for _, a := range h.Addresses {
				if !a.Reachable {
					untested++
					if k := a.Failure.Kind; k != "spent" && k != "rate-limited" && k != "not-admitted" {
						t.Errorf("%s: %s is untested for %s: %s", d, a.IP, k, a.Failure.Text)
					}
				}
			}
		}
		said := 0
		for _, f := range r.Findings {
			if f.Rule == "NET-08" {
				said++
			}
			if f.Verdict == "fail" && f.Rule[:3] == "NET" || f.Rule == "NET-01" || f.Rule == "NET-05" {
				faults++
				t.Errorf("%s is blamed: %s %s", d, f.Rule, f.Title)
			}
		}
		if said != untested {
			t.Errorf("%s: %d addresses are untested, %d said to be", d, untested, said)
		}
	}
	honest := all(t, p, world.Neighbour(1), world.Neighbour(2), world.Neighbour(3))
	into, minute := m.In(world.Shared)
	t.Logf("40 checks of 10 mail servers with 4 addresses: %d connections, %d in one check at most; %d into the /64, %d in its busiest minute; %d blamed; an honest domain takes %d",
		connections, most, into, minute, faults, base)
	if minute > 600 {
		t.Errorf("%d connections into one /64 in a minute, want 600 at most", minute)
	}
	if connections < 1000 || into < 200 {
		t.Errorf("%d connections, %d into the network: the weapon was not met", connections, into)
	}
	for _, r := range honest {
		if r.Grade.Letter != before.Grade.Letter || r.Grade.Provisional != before.Grade.Provisional {
			t.Errorf("%s has %s, provisional %v, behind strangers; want %s as before: %+v", r.Domain, r.Grade.Letter, r.Grade.Provisional, before.Grade.Letter, r.Hosts)
			for _, f := range r.Findings {
				if f.Verdict == "untested" {
					t.Logf("%s: %s %s %s", r.Domain, f.Rule, f.Title, f.Text)
				}
			}
		}
	}
}

// Strangers point their names at somebody else's mail server until it is looked at no more under
// any name of theirs. Its own domains, those that were checked before and those that were not,
// keep their letter all the while.
func TestStrangersUseUpSomebodysLooks(t *testing.T) {
	m := met(t)
	for _, strangers := range []int{2, 12} {
		p := serve(t, t.TempDir(), "--depth", "standard")
		m.Forget()
		var points []string
		for n := range strangers {
			points = append(points, world.Points(n))
		}
		for _, r := range all(t, p, points...) {
			looked := 0
			for _, h := range r.Hosts {
				for _, a := range h.Addresses {
					if a.Reachable {
						looked++
					}
				}
			}
			if looked > 2 {
				t.Errorf("%s: one address is looked at under %d names in a check, want two at most", r.Domain, looked)
			}
		}
		spent := m.At(world.Victim)
		letters := ""
		for i, d := range []string{world.Home, "a." + world.Guests, "b." + world.Guests} {
			r := check(t, p, d, 30*time.Second)
			letters += " " + r.Grade.Letter
			if r.Grade.Letter != "C" || r.Grade.Provisional {
				t.Errorf("%s has %s, provisional %v, after %d strangers (check %d): %+v", d, r.Grade.Letter, r.Grade.Provisional, strangers, i, r.Hosts)
			}
		}
		t.Logf("%d strangers with ten names each for one mail server: %d connections to it; its own domains:%s, %d connections more",
			strangers, spent, letters, m.At(world.Victim)-spent)
		if spent == 0 || spent > 800 {
			t.Errorf("%d connections to the server, want some and 800 at most", spent)
		}
		must(t, p.Stop())
	}
}

// Who is listed by name is left alone under whatever name he is found.
func TestAListedServerUnderAnotherName(t *testing.T) {
	m := met(t)
	list := filepath.Join(t.TempDir(), "optout")
	must(t, os.WriteFile(list, []byte(world.VictimName+"\n"), 0o644))
	p := serve(t, t.TempDir(), "--opt-out-file", list)
	for n := range 3 {
		r := check(t, p, world.Points(n), 30*time.Second)
		for _, h := range r.Hosts {
			for _, a := range h.Addresses {
				if a.Failure.Kind != "opted-out" {
					t.Errorf("%s %s: %+v", h.Name, a.IP, a.Failure)
				}
			}
		}
	}
	n := m.At(world.Victim)
	t.Logf("3 checks with 30 names for a listed server: %d connections to it", n)
	if n != 0 {
		t.Errorf("%d connections to a server that wants to be left alone", n)
	}
	// Listed no more, it is looked at again.
	must(t, os.WriteFile(list, []byte("# nobody\n"), 0o644))
	tries := 10
	until(t, 30*time.Second, "it is looked at again", func() (bool, string) {
		tries++
		r := check(t, p, fmt.Sprintf("x%d.%s", tries, world.Guests), 30*time.Second)
		return r.Grade.Letter == "C", r.Grade.Letter
	})
}
