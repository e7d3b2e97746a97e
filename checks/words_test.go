package checks_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/checks/report"
)

// sentence is text of which five words follow each other.
var sentence = regexp.MustCompile(`(?:\b[a-zA-Z][a-z']*[,:]? ){4}[a-z][a-z']*\b`)

// heard are the fields and parameters with what somebody else has said: servers, the owners of
// records, the issuers of certificates, libraries of which we have the source of the words only.
var heard = []string{
	"SMTP.Banner", "SMTP.Reply", "SMTP.MailReply", "SMTP.Stray", "Shown.Reply", "Offer.Line", "Line.Text",
	"MTASTS.Raw", "MTASTS.SecondRaw", "MTASTS.TXT", "TLSRPT.TXT", "Neighbours.SPF", "Neighbours.DMARC", "Lookup.Records",
	"Certificate.Subject", "Certificate.Issuer", "Certificate.CommonName", "Certificate.GoRefuses", "PathFault.About", "PathFault.More",
	"Params.error", "Params.reply", "Params.octets", "Params.text",
}

// texts calls met for every text in a value, with the field in which it stands.
func texts(v reflect.Value, field string, met func(field, text string)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			texts(v.Elem(), field, met)
		}
	case reflect.Slice:
		for i := range v.Len() {
			texts(v.Index(i), field, met)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			texts(v.MapIndex(k), "Params."+k.String(), met)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("derived") == "" {
				texts(v.Field(i), v.Type().Name()+"."+f.Name, met)
			}
		}
	case reflect.String:
		met(field, v.String())
	}
}

// The law of the house: evidence holds codes and what fills them, and sentences only of others.
func TestEvidenceHoldsNoSentences(t *testing.T) {
	codes := make(map[string]bool)
	for _, d := range everyDomain(t) {
		texts(reflect.ValueOf(stored(t, d.report).Evidence), "", func(field, text string) {
			if field == "Statement.Code" {
				codes[text] = true
			}
			if !slices.Contains(heard, field) && sentence.MatchString(text) {
				t.Errorf("%s: %s holds a sentence: %q", d.Name, field, text)
			}
		})
	}
	if len(codes) < 30 {
		t.Errorf("the lab shows only these codes: %v", codes)
	}
}

// The same of findings as they are kept. Their lines of evidence are what was met, shown as it was; of
// several things at once, parameters are lists in words.
func TestFindingsHoldNoSentences(t *testing.T) {
	lists := []string{"Finding.Detail", "Params.oddities", "Params.missing", "Params.reasons", "Params.lines"}
	said := make(map[string]bool)
	for _, d := range everyDomain(t) {
		for _, f := range stored(t, d.report).Bare().Findings {
			for _, s := range f.Says {
				said[string(s.Code)] = true
			}
			texts(reflect.ValueOf(f), "", func(field, text string) {
				if !slices.Contains(heard, field) && !slices.Contains(lists, field) && sentence.MatchString(text) {
					t.Errorf("%s: %s of %s holds a sentence: %q", d.Name, field, f.Rule, text)
				}
			})
		}
	}
	if len(said) < 30 {
		t.Errorf("the lab shows only these codes: %v", said)
	}
}

// Every code is one that the program says.
func TestEveryCodeIsSaid(t *testing.T) {
	var source strings.Builder
	err := fs.WalkDir(os.DirFS(".."), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") ||
			!strings.HasPrefix(file, "checks/") && !strings.HasPrefix(file, "web/") ||
			strings.HasPrefix(file, "checks/view/") || strings.HasPrefix(file, "checks/report/says") {
			return err
		}
		text, err := os.ReadFile(filepath.Join("..", file))
		source.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, code := range constants(t, "Says") {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(source.String()) {
			t.Errorf("nobody says %s", code)
		}
	}
}

// Reports of older versions have sentences where codes stand today. They say the same, and are
// judged alike.
func TestSentencesOfOlderReportsStay(t *testing.T) {
	for _, d := range everyDomain(t) {
		r := stored(t, d.report)
		r.Coded = false
		var forget func(reflect.Value)
		forget = func(v reflect.Value) {
			switch {
			case v.Kind() == reflect.Pointer && !v.IsNil():
				forget(v.Elem())
			case v.Kind() == reflect.Slice:
				for i := range v.Len() {
					forget(v.Index(i))
				}
			case v.Type() == reflect.TypeFor[report.Statement]():
				v.SetZero()
			case v.Kind() == reflect.Struct:
				for i := range v.NumField() {
					if v.Type().Field(i).IsExported() {
						forget(v.Field(i))
					}
				}
			}
		}
		codeless := func() string {
			forget(reflect.ValueOf(&r.Evidence))
			for i := range r.Findings {
				r.Findings[i].Says = nil
			}
			return text(t, r)
		}
		want := codeless()
		r.Conclusions = checks.Judge(r.Meta, r.Evidence)
		checks.Explain(r)
		if got := codeless(); got != want { // what is derived has its statements again
			t.Errorf("%s: %s", d.Name, difference(want, got))
		}
	}
}
