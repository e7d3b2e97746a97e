package view

import "mxseal/checks/report"

// Term is a word of the trade, for those who meet it for the first time.
type Term struct{ ID, Name, Text string }

// general are the words that reports use beside those of the checks (Topic.Terms).
var general = []Term{
	{"word-fault", "Fault, weak spot, note", "A fault is broken or leaves mail open, a weak spot could be better, a note is good to know. Each rule says what counts for the grade."},
	{"word-untested", "Not tested, provisional", "We could not find out. That counts neither for nor against the domain. A letter is provisional if something that could change it is not known."},
	{"word-rule", "Codes such as SMT-12", "The numbers of rules. They never change, and each leads to what the rule asks, why, and how to fix what it finds."},
}

// Entry is a word with the check whose page says more; none for the general ones.
type Entry struct {
	Term
	Check report.CheckID
}

// Glossary has the words that reports use: those of the checks in reading order, then the general ones.
func Glossary(topics []Topic) (list []Entry) {
	for _, topic := range topics {
		for _, t := range topic.Terms {
			list = append(list, Entry{t, topic.ID})
		}
	}
	for _, t := range general {
		list = append(list, Entry{Term: t})
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
