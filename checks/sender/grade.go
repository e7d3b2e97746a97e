package sender

import "mxseal/checks/report"

// bases say what a sender of each row earns where nothing holds it down: what an attacker can do with
// the mail that it sends, as the letters of a domain say it of the mail that the domain gets.
var bases = map[Row]report.Letter{
	RowUnknown:  report.LetterT,
	RowClear:    "F",
	RowOrdinary: "C",
	RowEncrypts: "C",
	RowPKIX:     "C", // who forges DNS names a server of his own
	RowDomain:   "B",
	RowMTASTS:   "B",
	RowStrict:   "A",
	RowLenient:  "A",
	RowDANEOnly: "A",
	RowBoth:     report.LetterAPlus,
}

// letterOf is the letter of a sender: that of its row, held down by findings. Their order does not matter.
func letterOf(f Facts, findings []Finding) (letter report.Letter, because []string) {
	letter = bases[f.Row()]
	if letter == report.LetterT {
		return letter, nil
	}
	lowest := letter
	for _, one := range findings {
		if cap := one.Rule().Cap; cap != "" && cap.Worse(lowest) {
			lowest = cap
		}
	}
	for _, one := range findings {
		if lowest != letter && one.Rule().Cap == lowest {
			because = append(because, one.ID)
		}
	}
	return lowest, because
}

// Grade is the letter, with what it may still become.
type Grade struct {
	Letter      report.Letter `json:"letter"`
	Provisional bool          `json:"provisional"`
	Best        report.Letter `json:"best,omitempty"` // where it is provisional
	Row         Row           `json:"row"`
	Because     []string      `json:"because,omitempty"` // rules that hold it down
}

func gradeOf(f Facts, v *View, findings []Finding) Grade {
	g := Grade{Row: f.Row()}
	g.Letter, g.Because = letterOf(f, findings)
	hopeful, dark := f.assuming(Yes), f.assuming(No)
	best, _ := letterOf(hopeful, judge(hopeful, v))
	worst, _ := letterOf(dark, judge(dark, v))
	pending := false // a trap that may still hold the letter down
	for _, r := range Rules {
		fate := v.Of(r.Trap).Fate
		if r.Cap != "" && r.Trap != "" && (fate == Waiting || fate == Unseen) && r.Cap.Worse(g.Letter) && (r.If == nil || r.If(f)) {
			pending = true
		}
	}
	if g.Letter == report.LetterT || worst != best || pending {
		g.Provisional = true
		if best != g.Letter {
			g.Best = best
		}
	}
	return g
}

// assuming are the facts with an answer to everything that the letter rests on and that is unknown.
func (f Facts) assuming(a Answer) Facts {
	for _, one := range []*Answer{&f.Encrypts, &f.DANE, &f.MTASTS, &f.PKIX, &f.Validates} {
		if *one == Unknown {
			*one = a
		}
	}
	return f
}
