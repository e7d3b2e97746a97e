package view

import "mxseal/checks/report"

// Term is a word of the trade, for those who meet it for the first time.
type Term struct{ ID, Name, Text string }

// general are the words that reports use beside those of the checks (Topic.Terms).
var general = []Term{
	{"word-fault", "Fault, weak spot, note", "A fault is broken or leaves mail open, a weak spot could be better, a note is good to know. What counts for the grade stands with each rule."},
	{"word-untested", "Not tested, provisional", "We could not find out; that counts neither for nor against the domain. A letter is provisional where something that could move it was not found out."},
	{"word-rule", "Codes such as SMT-12", "The numbers of rules. They never change, and each leads to what the rule asks, why, and how to mend what it finds."},
}

// A Meaning is a word with the check whose page says more; none for the general ones.
type Meaning struct {
	Term
	Check report.CheckID
}

// Glossary has the words that reports use: those of the checks in reading order, then the general ones.
func Glossary(topics []Topic) (list []Meaning) {
	for _, topic := range topics {
		for _, t := range topic.Terms {
			list = append(list, Meaning{t, topic.ID})
		}
	}
	for _, t := range general {
		list = append(list, Meaning{Term: t})
	}
	return list
}

// TermOf is the place of the word that explains a merit; empty where there is none.
func TermOf(badge string) string {
	switch badge {
	case "DANE":
		return "word-dane"
	case "MTA-STS":
		return "word-mta-sts"
	case "TLS enforced":
		return "word-enforced"
	case "REQUIRETLS":
		return "word-requiretls"
	case "PQ":
		return "word-pq"
	case "reports":
		return "word-tls-rpt"
	}
	return ""
}
