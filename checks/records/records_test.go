package records

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// many are a roll-over at two hosts, one of a foreign zone, and every type that some fix asks for.
func many(t *testing.T) []Record {
	t.Helper()
	now, next, authority := SumOf([]byte("now")), SumOf([]byte("next")), SumOf([]byte("authority"))
	list := []Record{
		TLSA("mx1.example.net", 3600, 3, now, "the key in use"),
		TLSA("mx1.example.net", 3600, 3, next, "the next key"),
		TLSA("mx.provider.example", 300, 2, authority, ""),
	}
	more, err := Parse(`example.net. IN MX 10 mx1.example.net.
example.net. IN TXT "v=spf1 mx -all"
_mta-sts.example.net. IN TXT "v=STSv1; id=20261128;"
_smtp._tls.example.net. 600 IN TXT "v=TLSRPTv1; rua=mailto:tls@example.net"
example.net. IN CAA 0 issue "letsencrypt.org; accounturi=https://acme.example/acct/1"
example.net. IN DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
mx1.example.net. IN A 192.0.2.1
mx1.example.net. IN AAAA 2001:db8::1
mta-sts.example.net. IN CNAME policy.provider.example.
sub.example.net. IN NS ns.provider.example.`)
	if err != nil {
		t.Fatal(err)
	}
	return append(list, more...)
}

func TestSyntaxes(t *testing.T) {
	for _, s := range Syntaxes {
		text, err := Write(s, "", many(t))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", string(s))
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if text != string(want) {
			t.Errorf("%s:\n%s\nwant:\n%s", s, text, want)
		}
	}
}

// What is written as a zone file is read as the same records.
func TestZoneFilesAreReadBack(t *testing.T) {
	text, err := Write(Zone, "", many(t))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range many(t) {
		if again[i].String() != r.String() {
			t.Errorf("%s was read back as %s", r, again[i])
		}
	}
}

// OctoDNS reads YAML; a name that stands there twice would lose its first entry.
func TestOctoDNSIsYAML(t *testing.T) {
	text, err := Write(OctoDNS, "", many(t)[:2])
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]struct {
		TTL    int
		Type   string
		Values []map[string]any
	}
	if err := yaml.Unmarshal([]byte(text), &read); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	set := read["_25._tcp.mx1"]
	if set.Type != "TLSA" || set.TTL != 3600 || len(set.Values) != 2 || set.Values[0]["certificate_usage"] != 3 {
		t.Errorf("read as %+v", read)
	}
	whole, err := Write(OctoDNS, "", many(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(whole, "\n\n") {
		var file map[string]any
		if err := yaml.Unmarshal([]byte(part), &file); err != nil { // it refuses a key that stands there twice
			t.Errorf("%v\n%s", err, part)
		}
		if list, ok := file[""].([]any); strings.HasPrefix(part, "# example.net") && (!ok || len(list) != 4) {
			t.Errorf("at the zone itself stand %v", file[""])
		}
	}
}

func TestZones(t *testing.T) {
	key := SumOf(nil)
	for _, c := range []struct{ named, host, zone, relative string }{
		{"", "mx.example.co.uk", "example.co.uk", "_25._tcp.mx"},
		{"", "example.net", "example.net", "_25._tcp"},
		{"mail.example.net", "mx.mail.example.net", "mail.example.net", "_25._tcp.mx"},
		{"Mail.example.net.", "mx.mail.example.net", "mail.example.net", "_25._tcp.mx"},
		{"example.net", "mx.example.org", "example.org", "_25._tcp.mx"},
		{"", "mx.dane.test", "dane.test", "_25._tcp.mx"},
	} {
		z := zones(c.named, []Record{TLSA(c.host, 1, 3, key, "")})[0]
		if got := z.relative(z.list[0].name(), "@"); z.name != c.zone || got != c.relative {
			t.Errorf("%s in zone %q: %s in %s, want %s in %s", c.host, c.named, got, z.name, c.relative, c.zone)
		}
	}
}

func TestWhatIsNoRecord(t *testing.T) {
	for _, text := range []string{"_25._tcp.mx.example.net. IN TLSA 3 1 1 <digest>", "mx IN A", "$INCLUDE /etc/passwd", "example.net. IN MX ten mx."} {
		if list, err := Parse(text); err == nil {
			t.Errorf("%q was read as %v", text, list)
		}
	}
	odd, err := Parse("example.net. IN HINFO a b")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := Write(Terraform, "", odd); err == nil {
		t.Errorf("a HINFO record is written as %s", text)
	}
	if text, err := Write("xml", "", many(t)); err == nil {
		t.Errorf("a syntax that there is not gives %s", text)
	}
}

// Text that strangers chose cannot end the string that it stands in.
func TestQuoting(t *testing.T) {
	list, err := Parse(`example.net. IN TXT "a ${file(1)} b"`)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Write(Terraform, "", list)
	if err != nil || !strings.Contains(text, `"a $${file(1)} b"`) {
		t.Errorf("%v\n%s", err, text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("_25._tcp.mx.example.net. IN TLSA 3 1 1 00\n")
	f.Add("example.net. IN TXT \"v=STSv1; id=1\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse(text)
		if err != nil {
			return
		}
		for _, s := range Syntaxes {
			if _, err := Write(s, "", list); err != nil && (s == Zone || s == Nsupdate) {
				t.Errorf("%s: %v", s, err)
			}
		}
	})
}
