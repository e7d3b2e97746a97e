package view

import (
	"testing"

	"mxseal/checks/report"
)

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		Version("TLS1.3"): "TLS 1.3", Version("SSL3"): "SSL 3", Version("odd"): "odd",
		Duration(604800): "7 days", Duration(86400): "1 day", Duration(5400): "90 minutes", Duration(1): "1 second",
		General("{host} at {address}"):      "‹host› at ‹address›",
		EffectWord("cap C"):                 "grade C at best",
		EffectWord("M.tls=no"):              "TLS: no",
		EffectWord("noA+"):                  "no A+",
		ZoneName("."):                       "the root",
		Algorithm(13) + " " + DigestType(2): "ECDSAP256 SHA-256",
		Algorithm(99) + " " + DigestType(9): "algorithm 99 digest type 9",
		StateWord(report.Bogus):             "signatures are invalid",
		GradeLabel("A+") + GradeLabel("F"):  "Grade A plusGrade F",
		OutcomeWord("NEW"):                  "Unknown",
		NotTested("limit"):                  "not asked: enough others were",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, o := range AllOutcomes {
		if len(Meanings([]report.Outcome{o})) == 0 || OutcomeWord(o) == "Unknown" {
			t.Errorf("no words for %s", o)
		}
	}
	for _, v := range Verdicts {
		if VerdictWord(v) == "Not looked at" || gravity(v) == 0 {
			t.Errorf("no word for %s", v)
		}
	}
}
