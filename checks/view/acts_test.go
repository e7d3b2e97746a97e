package view

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"mxseal/checks/report"
)

func TestWhoActs(t *testing.T) {
	secure := func(zone string) report.Link {
		return report.Link{Zone: zone, State: report.Secure, DS: []report.DS{{Tag: 1}}}
	}
	ends := func(zone string, s report.State, ds ...report.DS) report.Link {
		return report.Link{Zone: zone, State: s, DS: ds}
	}
	for _, c := range []struct {
		why    string
		reason report.Cause
		chain  []report.Link
		state  report.State
		want   string
	}{
		{"secure: nobody", "", []report.Link{secure("."), secure("org")}, report.Secure, ""},
		{"not signed: the owner", "no-ds", []report.Link{secure("."), secure("org"), ends("example.org", report.Insecure)}, report.Insecure, "The owner of example.org:"},
		{"a wrong DS: the owner at the registrar", "ds-mismatch", []report.Link{secure("."), secure("org"), ends("example.org", report.Bogus, report.DS{})}, report.Bogus, "The owner of example.org, at the registrar"},
		{"keys not signed: the DNS host", "rrsig-missing", []report.Link{secure("."), secure("org"), ends("example.org", report.Bogus, report.DS{})}, report.Bogus, "The DNS host of example.org"},
		{"the answer not signed: the DNS host", "rrsig-missing", []report.Link{secure("."), secure("org"), secure("example.org")}, report.Bogus, "The DNS host of example.org"},
		{"the report.DS not signed, not even denied: the zone above", "nsec-missing", []report.Link{secure("."), secure("org"), ends("example.org", report.Bogus)}, report.Bogus, "The operator of the top-level domain org"},
		{"the same under a DNS host", "nsec-missing", []report.Link{secure("."), secure("org"), secure("example.org"), ends("a.example.org", report.Bogus)}, report.Bogus, "The DNS host of example.org"},
		{"a top-level domain broken", "signature-expired", []report.Link{secure("."), ends("org", report.Bogus, report.DS{})}, report.Bogus, "The operator of the top-level domain org"},
		{"a top-level domain denied wrongly", "nsec-missing", []report.Link{secure("."), ends("org", report.Bogus)}, report.Bogus, "The operators of the root zone"},
		{"an opt-out span: whoever owns the name", "opt-out", []report.Link{secure("."), secure("org")}, report.Insecure, "The owner of the domain:"},
		{"our own resolver", "upstream-not-dnssec-capable", []report.Link{ends(".", report.Indeterminate)}, report.Indeterminate, "Nobody at the domain."},
		{"our own clock", "own-clock-wrong", []report.Link{ends(".", report.Indeterminate)}, report.Indeterminate, "Nobody at the domain."},
		{"no answer and no chain", "lookup-failed", nil, report.Indeterminate, "The DNS host of the domain"},
		{"with trailing dots", "no-ds", []report.Link{secure("."), secure("org."), ends("example.org.", report.Insecure)}, report.Insecure, "The owner of example.org:"},
	} {
		got := WhoActs(report.Trust{State: c.state, Reason: c.reason, Chain: c.chain})
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) || got != "" && !strings.HasSuffix(got, ".") {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}

// words reads the words of a vocabulary out of the source of report, so that none is forgotten.
func words[T ~string](t *testing.T, file string) (list []T) {
	t.Helper()
	source, err := report.Source.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	constant := regexp.MustCompile(`(?m)^\t\w+ +` + reflect.TypeFor[T]().Name() + ` = "([^"]+)"`)
	for _, m := range constant.FindAllStringSubmatch(string(source), -1) {
		list = append(list, T(m[1]))
	}
	return list
}

func TestSomebodyActsForEveryCauseAndEveryNoteHasWords(t *testing.T) {
	causes, seen := words[report.Cause](t, "cause.go"), words[report.Note](t, "cause.go")
	if len(causes) < 20 || len(seen) != len(notes) {
		t.Fatalf("causes %v, notes %v", causes, seen)
	}
	for _, c := range causes {
		chain := []report.Link{{Zone: ".", State: report.Secure}, {Zone: "example.org", State: report.Bogus, Reason: c}}
		if WhoActs(report.Trust{State: report.Bogus, Reason: c, Chain: chain}) == "" {
			t.Errorf("%s: nobody is to act", c)
		}
	}
	for _, n := range seen {
		if notes[n] == "" {
			t.Errorf("%s is not put into words", n)
		}
	}
}
