package tlsrpt

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/internal/fields/fieldstest"
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

func host(r fieldstest.Source) string {
	return r.Words(fieldstest.Alphanumeric, 9) + "." + r.Words(fieldstest.Alphanumeric, 9) + ".example"
}

// uri makes a report address.
func uri(r fieldstest.Source) string {
	query := r.OneOf("", "", "?a=b/c?d", "?x")
	if r.IntN(2) == 0 {
		local := r.Words(fieldstest.Alphanumeric+"$&'*+=_~-", 12)
		if r.IntN(3) == 0 {
			local += "." + r.Words(fieldstest.Alphanumeric, 3) + r.OneOf("%2C", "%21", "%C3%A4", "%2b")
		}
		return r.OneOf("mailto:", "MailTo:") + local + "@" + host(r) + query
	}
	path := r.OneOf("", "/", "/v1/"+r.Words(fieldstest.Alphanumeric+"$&'()*+=:@._~-", 12), "/a%3Bb//c")
	at := r.OneOf(host(r), host(r)+":8443", "[2001:db8::1]")
	return r.OneOf("https://", "HTTPS://") + at + path + query
}

// generate makes a record of the grammar, and says which addresses are in it.
func generate(r fieldstest.Source) (txt string, uris []string) {
	rua := "rua="
	for i := range 1 + r.IntN(3) {
		if i > 0 {
			rua += r.Blanks() + "," + r.Blanks()
		}
		u := uri(r)
		rua += u
		uris = append(uris, u)
	}
	list := []string{rua}
	for range r.IntN(3) {
		list = append(list, r.Words(fieldstest.Alphanumeric, 1)+"x"+r.Words(fieldstest.Alphanumeric+"_-.", 30)+"="+r.Words(fieldstest.VChar, 40))
	}
	return r.Record("v=TLSRPTv1", list), uris
}

func TestRecordsOfTheGrammar(t *testing.T) {
	r := fieldstest.New(8460, 31)
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
	r := fieldstest.New(8460, 32, "!", "!10m", "@", "%", "%zz", "<", ">", "[", "]", "{", "#", "rua=")
	outside := 0
	for range 16_000 {
		txt, _ := generate(r)
		txt = r.Mutate(txt)
		if grammar.MatchString(txt) {
			continue
		}
		outside++
		if got := parse([]string{report.Clean(txt, 4096)}); got.count == 1 && len(got.faults) == 0 && !slices.ContainsFunc(got.ignored, func(s report.Statement) bool { return s.Code == report.SaysSecondField }) {
			t.Fatalf("%q is not of the grammar, and nothing is said: %+v", txt, got.targets)
		}
	}
	if outside < 5_000 {
		t.Errorf("%d mutants are outside of the grammar", outside)
	}
}
