package mtasts

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// The grammar of RFC 8461 §3.1, transcribed by itself as the oracle of what follows.
var grammar = regexp.MustCompile(`^v=STSv1([ \t]*;[ \t]*(id=[A-Za-z0-9]{1,32}|[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+))+([ \t]*;[ \t]*)?$`)

const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	vchar        = "!\"#$%&'()*+,-./" + alphanumeric + ":<>?@[\\]^_`{|}~"
)

// words make n characters of an alphabet, at least one and at most max.
func words(r *rand.Rand, alphabet string, max int) string {
	var b strings.Builder
	for range 1 + r.IntN(max) {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

func blanks(r *rand.Rand) string { return []string{"", "", " ", " ", "\t", "  ", " \t"}[r.IntN(7)] }

func delim(r *rand.Rand) string { return blanks(r) + ";" + blanks(r) }

// generate makes a record of the grammar, and says which id is in it.
func generate(r *rand.Rand) (txt, id string) {
	id = words(r, alphanumeric, 32)
	list := []string{"id=" + id}
	for range r.IntN(3) {
		name := words(r, alphanumeric, 1) + words(r, alphanumeric+"_-.", 31)
		if name == "id" {
			continue
		}
		list = append(list, name+"="+words(r, vchar, 40))
	}
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	txt = "v=STSv1"
	for _, field := range list {
		txt += delim(r) + field
	}
	if r.IntN(2) == 0 {
		txt += delim(r)
	}
	return txt, id
}

// strange are characters that a mutant may get in place of, or between, what is right.
var strange = []string{" ", "\t", "\u00a0", "\u2003", "\u3000", "\u200b", "\ufeff", "\r", "\n", "\x00", "\x7f", "é", "\xa0", "\xff",
	";", ";;", "=", "==", ",", ":", "\"", "“", "v", "V", "1", "id=", "id", "_", "-", ".", "\\", " =", "= "}

// mutate changes one thing in a record.
func mutate(r *rand.Rand, txt string) string {
	at := r.IntN(len(txt) + 1)
	s := strange[r.IntN(len(strange))]
	switch end := min(at+1, len(txt)); r.IntN(4) {
	case 0:
		return txt[:at] + txt[end:]
	case 1:
		return txt[:at] + s + txt[end:]
	case 2:
		return txt[:at] + strings.ToUpper(txt[at:end]) + txt[end:]
	default:
		return txt[:at] + s + txt[at:]
	}
}

func TestRecordsOfTheGrammar(t *testing.T) {
	r := rand.New(rand.NewPCG(8461, 31))
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
	r := rand.New(rand.NewPCG(8461, 32))
	outside := 0
	for range 16_000 {
		txt, _ := generate(r)
		txt = mutate(r, txt)
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
	r := rand.New(rand.NewPCG(8461, 33))
	for range 2_000 {
		mode := []string{"enforce", "testing", "none"}[r.IntN(3)]
		age := r.Int64N(maxMaxAge)
		mx := "mx" + strconv.Itoa(r.IntN(9)) + ".example.com"
		lines := []string{"version:" + blanks(r) + "STSv1", "mode:" + blanks(r) + mode, "max_age:" + blanks(r) + strconv.FormatInt(age, 10), "mx:" + blanks(r) + mx}
		if r.IntN(2) == 0 {
			lines = append(lines, "x-"+words(r, alphanumeric+"_-.", 20)+":"+blanks(r)+"é"+words(r, vchar, 20)+" é")
		}
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		text := ""
		for _, line := range lines {
			text += line + blanks(r) + []string{"\n", "\r\n"}[r.IntN(2)]
		}
		p := parsePolicy(clean(text))
		if _, bad := invalidating(p.faults); bad || p.Mode != mode || p.MaxAge != age || strings.Join(p.MX, " ") != mx {
			t.Fatalf("%q: %+v %v", text, p.Policy, p.faults)
		}
		at := r.IntN(len(lines))
		lines[at] = mutate(r, lines[at])
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
