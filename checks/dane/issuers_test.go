package dane

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"mxseal/checks/report"
)

// turns makes certificates, each before its status, the issuers of one authority for a test.
func turns(t *testing.T, all ...any) {
	t.Helper()
	a := issuing{Authority: "Turns", AsOf: "2026-11-01"}
	for i := 0; i < len(all); i += 2 {
		c := all[i].(*cert)
		short, long := sha256.Sum256(c.RawSubjectPublicKeyInfo), sha512.Sum512(c.RawSubjectPublicKeyInfo)
		a.Issuers = append(a.Issuers, issuer{Name: c.Subject.CommonName, Keys: "ECDSA", Status: all[i+1].(string),
			SHA256: hex.EncodeToString(short[:]), SHA512: hex.EncodeToString(long[:])})
	}
	before := authorities
	authorities = append([]issuing{a}, authorities...)
	t.Cleanup(func() { authorities = before })
}

// The table that anybody may correct is whole, dated, and says where each row comes from.
func TestTheTableOfIssuers(t *testing.T) {
	d := json.NewDecoder(bytes.NewReader(issuersJSON))
	d.DisallowUnknownFields()
	var all []issuing
	if err := d.Decode(&all); err != nil || d.More() {
		t.Fatal(err)
	}
	hexadecimal := regexp.MustCompile(`^[0-9a-f]+$`)
	seen := make(map[string]bool)
	for _, a := range all {
		day, err := time.Parse(time.DateOnly, a.AsOf)
		if a.Authority == "" || err != nil || day.After(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)) || !strings.HasPrefix(a.Source, "https://") {
			t.Errorf("%s lacks a name, a date or a source", a.Authority)
		}
		active := make(map[string]int)
		for _, i := range a.Issuers {
			if len(i.SHA256) != 64 || len(i.SHA512) != 128 || !hexadecimal.MatchString(i.SHA256+i.SHA512) || seen[i.SHA256] || seen[i.SHA512] {
				t.Errorf("%s %s: a digest is not one, or stands there twice", a.Authority, i.Name)
			}
			seen[i.SHA256], seen[i.SHA512] = true, true
			if i.Name == "" || !strings.HasPrefix(i.Source, "https://") || i.Keys != "RSA" && i.Keys != "ECDSA" {
				t.Errorf("%s %s lacks a name, a source or a kind of keys", a.Authority, i.Name)
			}
			switch i.Status {
			case "active":
				active[i.Keys]++
			case "backup", "retired":
			default:
				t.Errorf("%s %s is %q", a.Authority, i.Name, i.Status)
			}
		}
		if len(active) == 0 {
			t.Errorf("%s has no issuer that signs today", a.Authority)
		}
	}
}

// Missing an issuer that signs today is a warning, missing one in reserve is for information.
// What is to be published covers all.
func TestMissingIssuers(t *testing.T) {
	for _, c := range cases(t) {
		for _, f := range Judge(c.report.Observed()) {
			if f.Rule != "DAN-49" {
				continue
			}
			want := report.Warn
			if c.why == "all but one that is kept in reserve" {
				want = report.Info
			}
			missing := 1 + strings.Count(f.Params["missing"], ",")
			if f.Verdict != want || strings.Count(f.Params["records"], " IN TLSA 2 1 1 ") != missing {
				t.Errorf("%s: %s %v", c.why, f.Verdict, f.Params)
			}
		}
	}
}
