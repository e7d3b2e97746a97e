package tlsrpt

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// The grammar of RFC 8460 §3 with that of a URI (RFC 3986 appendix A) without comma,
// exclamation mark and semicolon, transcribed by itself as the oracle of what follows.
var grammar = regexp.MustCompile(strings.NewReplacer(
	"DELIM", `[ \t]*;[ \t]*`,
	"EXT", `[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+`,
	"URI", `[A-Za-z][A-Za-z0-9+.-]*:(//AUTH(/PCHAR*)*|/?(PCHAR+(/PCHAR*)*)?)(\?(PCHAR|[/?])*)?(#(PCHAR|[/?])*)?`,
).Replace(`^v=TLSRPTv1(DELIM(rua=URI([ \t]*,[ \t]*URI)*|EXT))+(DELIM)?$`))

func init() {
	text := grammar.String()
	text = strings.ReplaceAll(text, "AUTH", `((UNRES|[$&'()*+=:])*@)?(\[[0-9A-Fa-f:.]+\]|(UNRES|[$&'()*+=])*)(:[0-9]*)?`)
	text = strings.ReplaceAll(text, "PCHAR", `(UNRES|[$&'()*+=:@])`)
	text = strings.ReplaceAll(text, "UNRES", `([A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})`)
	grammar = regexp.MustCompile(text)
}

const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	vchar        = "!\"#$%&'()*+,-./" + alphanumeric + ":<>?@[\\]^_`{|}~"
)

// words make characters of an alphabet, at least one and at most max.
func words(r *rand.Rand, alphabet string, max int) string {
	var b strings.Builder
	for range 1 + r.IntN(max) {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

func blanks(r *rand.Rand) string { return []string{"", "", " ", " ", "\t", "  ", " \t"}[r.IntN(7)] }

func delim(r *rand.Rand) string { return blanks(r) + ";" + blanks(r) }

func host(r *rand.Rand) string {
	return words(r, alphanumeric, 9) + "." + words(r, alphanumeric, 9) + ".example"
}

// uri makes a report address.
func uri(r *rand.Rand) string {
	query := []string{"", "", "?a=b/c?d", "?x"}[r.IntN(4)]
	if r.IntN(2) == 0 {
		local := words(r, alphanumeric+"$&'*+=_~-", 12)
		if r.IntN(3) == 0 {
			local += "." + words(r, alphanumeric, 3) + []string{"%2C", "%21", "%C3%A4", "%2b"}[r.IntN(4)]
		}
		return []string{"mailto:", "MailTo:"}[r.IntN(2)] + local + "@" + host(r) + query
	}
	path := []string{"", "/", "/v1/" + words(r, alphanumeric+"$&'()*+=:@._~-", 12), "/a%3Bb//c"}[r.IntN(4)]
	at := []string{host(r), host(r) + ":8443", "[2001:db8::1]"}[r.IntN(3)]
	return []string{"https://", "HTTPS://"}[r.IntN(2)] + at + path + query
}

// generate makes a record of the grammar, and says which addresses are in it.
func generate(r *rand.Rand) (txt string, uris []string) {
	rua := "rua="
	for i := range 1 + r.IntN(3) {
		if i > 0 {
			rua += blanks(r) + "," + blanks(r)
		}
		u := uri(r)
		rua += u
		uris = append(uris, u)
	}
	list := []string{rua}
	for range r.IntN(3) {
		list = append(list, words(r, alphanumeric, 1)+"x"+words(r, alphanumeric+"_-.", 30)+"="+words(r, vchar, 40))
	}
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	txt = "v=TLSRPTv1"
	for _, field := range list {
		txt += delim(r) + field
	}
	if r.IntN(2) == 0 {
		txt += delim(r)
	}
	return txt, uris
}

// strange are characters that a mutant may get in place of, or between, what is right.
var strange = []string{" ", "\t", "\u00a0", "\u2003", "\u3000", "\u200b", "\ufeff", "\r", "\n", "\x00", "\x7f", "é", "\xa0", "\xff",
	";", ";;", "=", "==", ",", ":", "!", "!10m", "@", "%", "%zz", "\"", "“", "<", ">", "[", "]", "{", "#", "v", "V", "1", "rua=", "_", "\\", " =", "= "}

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
	r := rand.New(rand.NewPCG(8460, 31))
	for range 4_000 {
		txt, uris := generate(r)
		if !grammar.MatchString(txt) {
			t.Fatalf("%q is not of the grammar", txt)
		}
		got := parse([]string{report.Clean(txt, 4096)})
		var read []string
		for _, target := range got.targets {
			read = append(read, target.URI)
		}
		faults := slices.DeleteFunc(got.faults, func(f fault) bool { return f.rule == "RPT-12" })
		if got.count != 1 || len(faults) > 0 || !slices.Equal(read, uris) {
			t.Fatalf("%q: %q, want %q; %v", txt, read, uris, got.faults)
		}
		beside := parse([]string{"v=spf1 -all", report.Clean(txt, 4096)})
		if literal := strings.HasPrefix(txt, "v=TLSRPTv1;"); (beside.count == 1) != literal || (beside.meant == "") != literal {
			t.Fatalf("%q beside another record: %+v", txt, beside)
		}
	}
}

// What the grammar refuses is refused or said.
func TestMutantsOfTheGrammar(t *testing.T) {
	r := rand.New(rand.NewPCG(8460, 32))
	outside := 0
	for range 16_000 {
		txt, _ := generate(r)
		txt = mutate(r, txt)
		if grammar.MatchString(txt) {
			continue
		}
		outside++
		if got := parse([]string{report.Clean(txt, 4096)}); got.count == 1 && len(got.faults) == 0 && !slices.Contains(got.ignored, "a second rua, which senders ignore") {
			t.Fatalf("%q is not of the grammar, and nothing is said: %+v", txt, got.targets)
		}
	}
	if outside < 5_000 {
		t.Errorf("%d mutants are outside of the grammar", outside)
	}
}
