package grade

import (
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// claims are what each sentence of a letter says of the matrix. A sentence that is not listed
// claims nothing that the matrix knows of.
var claims = map[string]func(m report.Matrix, f Facts) bool{
	says["A+"]: func(m report.Matrix, _ Facts) bool { return protects(m, S2) && protects(m, S3) },
	says["A"]:  func(m report.Matrix, _ Facts) bool { return protects(m, S2) },
	says["B"]: func(m report.Matrix, _ Facts) bool {
		return m[S3][A0] == report.Auth && safe(m[S3][A2], m[S3][A3])
	},
	says["C"]: func(m report.Matrix, f Facts) bool { return !heard(f) && m[S1][A3] == report.Stolen },
	says["D"]: func(m report.Matrix, f Facts) bool {
		return !heard(f) && !protects(m, S2) && !(m[S3][A0] == report.Auth && safe(m[S3][A2], m[S3][A3])) && !(m[S2L][A0] == report.Auth && safe(m[S2L][A2], m[S2L][A3]))
	},
	says["E"]:   func(_ report.Matrix, f Facts) bool { return heard(f) },
	says["F"]:   func(m report.Matrix, f Facts) bool { return heard(f) && m[S1L][A1] == report.Clear },
	saysHeld:    func(m report.Matrix, f Facts) bool { return !heard(f) },
	saysLenient: func(m report.Matrix, f Facts) bool { return !heard(f) && m[S2L][A0] == report.Auth },
	saysBroken[brokenDNSSEC]: func(m report.Matrix, _ Facts) bool {
		return m[S2][A0] == report.Defer
	},
	saysPartly:             func(m report.Matrix, _ Facts) bool { return m[S2][A0] != report.Defer },
	saysBroken[brokenDANE]: func(m report.Matrix, f Facts) bool { return m[S2][A0] == report.Defer && published(f) },
	saysSomeDANE: func(m report.Matrix, f Facts) bool {
		return m[S2][A0] != report.Defer && m[S2L][A0] == report.Defer && published(f)
	},
	saysBroken[brokenSTS]: func(m report.Matrix, _ Facts) bool { return m[S3][A0] == report.Defer },
}

func protects(m report.Matrix, s report.Sender) bool {
	return m[s][A0] == report.Auth && safe(m[s][A2], m[s][A3])
}

// published reports whether some host has TLSA records that somebody goes by.
func published(f Facts) bool {
	return slices.ContainsFunc(f.counted(), func(m HostFacts) bool { return m.TLSA != NoTLSA })
}

// heard reports whether a listener reads mail on its way to some host.
func heard(f Facts) bool {
	return slices.ContainsFunc(f.counted(), func(m HostFacts) bool {
		return decide(f, m, S1)[1] == report.Clear || decide(f, m, S1L)[1] == report.Clear
	})
}

// No sentence of a letter says what its matrix denies, whatever is found, with caps and without.
func TestTheSentenceAgreesWithTheMatrix(t *testing.T) {
	tried := make(map[string]int)
	state := 0
	for f := range anyState {
		m := matrix(f)
		caps := []report.Letter{""}
		if state++; state%10 == 0 {
			caps = []report.Letter{"", "B", "C", "F"}
		}
		for _, limit := range caps {
			f := f
			if limit != "" {
				f.Caps = []report.Letter{limit}
			}
			g := OfFacts(f).Grade
			said := strings.TrimSuffix(g.Sentence, " A known fault holds the grade at "+string(g.Letter)+".")
			for text, holds := range claims {
				if !strings.Contains(said, text) {
					continue
				}
				if tried[text]++; !holds(m, f) {
					t.Fatalf("%s, cap %q: %q\n%+v\n%v", g.Letter, limit, g.Sentence, f, m)
				}
			}
			if strings.Contains(said, "cannot be fooled") && limit != "" && g.Letter.Worse("B") {
				t.Fatalf("%s: %q though a fault helps against such senders", g.Letter, g.Sentence)
			}
		}
	}
	for text := range claims {
		if tried[text] == 0 {
			t.Errorf("no state gives the sentence %q", text)
		}
	}
}
