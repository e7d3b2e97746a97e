package mtasts

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"mxseal/checks/internal/fields/fieldstest"
	"mxseal/checks/report"
)

// The grammar of RFC 8461 §3.1, transcribed by itself as the oracle of what follows.
var grammar = regexp.MustCompile(`^v=STSv1([ \t]*;[ \t]*(id=[A-Za-z0-9]{1,32}|[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+))+([ \t]*;[ \t]*)?$`)

// generate makes a record of the grammar, and says which id is in it.
func generate(r fieldstest.Source) (txt, id string) {
	id = r.Words(fieldstest.Alphanumeric, 32)
	list := []string{"id=" + id}
	for range r.IntN(3) {
		name := r.Words(fieldstest.Alphanumeric, 1) + r.Words(fieldstest.Alphanumeric+"_-.", 31)
		if name == "id" {
			continue
		}
		list = append(list, name+"="+r.Words(fieldstest.VChar, 40))
	}
	return r.Record("v=STSv1", list), id
}

func TestRecordsOfTheGrammar(t *testing.T) {
	r := fieldstest.New(8461, 31)
	for range 4_000 {
		txt, id := generate(r)
		if !grammar.MatchString(txt) {
			t.Fatalf("%q is not of the grammar", txt)
		}
		got := parseRecord([]string{report.Clean(txt, 4096)})
		if _, bad := invalidating(got.faults); bad || !got.found || got.id != id {
			t.Fatalf("%q: id %q, want %q; %v", txt, got.id, id, got.faults)
		}
		beside := parseRecord([]string{"v=spf1 -all", report.Clean(txt, 4096)})
		literal := strings.HasPrefix(txt, "v=STSv1;")
		if _, bad := invalidating(beside.faults); bad == literal || !beside.found {
			t.Fatalf("%q beside another record: %v", txt, beside.faults)
		}
	}
}

// What the grammar refuses is refused or said.
func TestMutantsOfTheGrammar(t *testing.T) {
	r := fieldstest.New(8461, 32, "id=", "id", "-", ".")
	outside := 0
	for range 16_000 {
		txt, _ := generate(r)
		txt = r.Mutate(txt)
		got := parseRecord([]string{report.Clean(txt, 4096)})
		if !grammar.MatchString(txt) {
			outside++
			if got.found && len(got.faults) == 0 {
				t.Fatalf("%q is not of the grammar, and nothing is said", txt)
			}
			continue
		}
		if _, bad := invalidating(got.faults); bad && !strings.HasPrefix(got.faults[0].rule, "STS-06") && !idIsOdd(txt) {
			t.Fatalf("%q is of the grammar: %v", txt, got.faults)
		}
	}
	if outside < 6_000 {
		t.Errorf("%d mutants are outside of the grammar", outside)
	}
}

// idIsOdd reports whether the field id is one that only the grammar of extensions lets pass,
// or is not there.
func idIsOdd(txt string) bool {
	for _, field := range strings.FieldsFunc(txt, func(r rune) bool { return r == ';' || r == ' ' || r == '\t' }) {
		if id, found := strings.CutPrefix(field, "id="); found {
			return !validID.MatchString(id)
		}
	}
	return true
}

// The grammar of a policy file (RFC 8461 §3.2), line by line.
var policyLine = regexp.MustCompile(`^(version:[ \t]*STSv1|mode:[ \t]*(enforce|testing|none)|max_age:[ \t]*[0-9]{1,10}|mx:[ \t]*(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|[A-Za-z0-9][A-Za-z0-9_.-]{0,31}:[ \t]*[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?)[ \t]*$`)

func TestPoliciesOfTheGrammar(t *testing.T) {
	r := fieldstest.New(8461, 33, "id=", "id", "-", ".")
	for range 2_000 {
		mode := r.OneOf("enforce", "testing", "none")
		age := r.Int64N(maxMaxAge)
		mx := "mx" + strconv.Itoa(r.IntN(9)) + ".example.com"
		lines := []string{"version:" + r.Blanks() + "STSv1", "mode:" + r.Blanks() + mode, "max_age:" + r.Blanks() + strconv.FormatInt(age, 10), "mx:" + r.Blanks() + mx}
		if r.IntN(2) == 0 {
			lines = append(lines, "x-"+r.Words(fieldstest.Alphanumeric+"_-.", 20)+":"+r.Blanks()+"é"+r.Words(fieldstest.VChar, 20)+" é")
		}
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		text := ""
		for _, line := range lines {
			text += line + r.Blanks() + r.OneOf("\n", "\r\n")
		}
		p := parsePolicy(clean(text))
		if _, bad := invalidating(p.faults); bad || string(p.Mode) != mode || p.MaxAge != age || strings.Join(p.MX, " ") != mx {
			t.Fatalf("%q: %+v %v", text, p.Policy, p.faults)
		}
		at := r.IntN(len(lines))
		lines[at] = r.Mutate(lines[at])
		text = strings.Join(lines, "\n") + "\n"
		legal := true
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			legal = legal && policyLine.MatchString(strings.TrimSuffix(line, "\r"))
		}
		if p := parsePolicy(clean(text)); !legal && len(p.faults) == 0 {
			t.Fatalf("%q is not of the grammar, and nothing is said", text)
		}
	}
}
