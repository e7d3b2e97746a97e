package view

import (
	"fmt"
	"strings"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/tlsreport"
	"mxseal/checks/watching"
)

// ToldWords are what happened, in a line, and what it means or asks for, in sentences.
type ToldWords struct{ Title, Text string }

// WordsOfTold are those for an event of a watched domain.
func WordsOfTold(e watching.Event, domain string) ToldWords {
	switch e.Kind {
	case watching.LetterChanged:
		return letterWords(e, domain)
	case watching.Broken:
		return brokenWords[e.Promise].of(domain)
	case watching.Kept:
		return ToldWords{promiseNames[e.Promise] + " works again", "Mail that was rejected because of it is delivered again; senders retry for some days."}
	case watching.Ending:
		return endingWords(e)
	case watching.NewKey:
		return ToldWords{"New key at " + e.Host + " that no TLSA record names",
			"If you changed the key: publish the TLSA record 3 1 1 " + e.Key + " now. If you did not, somebody else may be answering for this server. Senders that check DANE do not deliver there until the record and the key match."}
	case watching.Reported:
		words := WordsOfResult(tlsreport.Result(e.Result))
		return ToldWords{"Senders report failures at " + orServer(e.Host), fmt.Sprintf("%s report %s that failed. %s %s", Plural(e.Reporters, "sender"), Plural(int(e.Sessions), "session"), words.What, words.Fix)}
	}
	return ToldWords{"Something changed at " + domain, "The latest report says more."}
}

func orServer(host string) string {
	if host == "" {
		return "a mail server"
	}
	return host
}

func letterWords(e watching.Event, domain string) ToldWords {
	was, is := letterName(e.From), letterName(e.To)
	switch {
	case e.To == report.LetterN:
		return ToldWords{domain + " takes no mail any more", "It had the grade " + string(e.From) + ". If you did not intend this, look at its MX record."}
	case e.To.Worse(e.From):
		return ToldWords{fmt.Sprintf("Grade down from %s to %s", was, is), "The report says what changed and how to fix it."}
	}
	return ToldWords{fmt.Sprintf("Grade up from %s to %s", was, is), "The report says what changed."}
}

func letterName(l report.Letter) string {
	if l == report.LetterN {
		return "“takes no mail”"
	}
	return string(l)
}

var promiseNames = map[report.Promise]string{report.PromiseDANE: "DANE", report.PromiseSTS: "MTA-STS", report.PromiseDNSSEC: "DNSSEC", watching.Lost: "Finding the mail servers in the DNS"}

// of puts the domain into words.
func (w ToldWords) of(domain string) ToldWords {
	return ToldWords{strings.ReplaceAll(w.Title, "{domain}", domain), strings.ReplaceAll(w.Text, "{domain}", domain)}
}

var brokenWords = map[report.Promise]ToldWords{
	report.PromiseDANE:   {"Mail is being rejected: DANE is broken", "Senders that check the TLSA records of {domain} do not deliver. Publish the record of the key that the server shows, or put the former key back."},
	report.PromiseSTS:    {"Mail is being rejected: MTA-STS is broken", "Senders that follow the MTA-STS policy of {domain} do not deliver: the servers are not as the policy says. Repair the servers or correct the policy."},
	report.PromiseDNSSEC: {"Mail is being rejected: DNSSEC is broken", "Senders that validate DNSSEC do not find the mail servers of {domain}. Have the zone signed again, or compare its keys with the DS record at the registrar."},
	watching.Lost:        {"Mail is being rejected: the mail servers cannot be found", "The DNS no longer says where mail for {domain} goes, so all of it is returned. Check the MX record and whether the domain is still registered."},
}

var endingNames = map[report.Ending]string{
	report.EndsCertificate:       "The certificate of {place} ends",
	report.EndsPolicyCertificate: "The certificate of the policy host {place} ends",
	report.EndsSignatures:        "DNSSEC signatures of {place} end",
	report.EndsRenewal:           "The certificate of {place} is about to be renewed, and DANE will not survive that",
	report.EndsPolicy:            "The last senders forget the MTA-STS policy that was withdrawn",
}

var endingTexts = map[report.Ending]string{
	report.EndsCertificate:       "Have it renewed, and let the mail server load it.",
	report.EndsPolicyCertificate: "Have it renewed: without it senders cannot fetch the MTA-STS policy.",
	report.EndsSignatures:        "The signer may have stopped. After that, senders that validate DNSSEC cannot deliver.",
	report.EndsRenewal:           "Publish a TLSA record that also fits the next certificate before it is in use.",
	report.EndsPolicy:            "Until then it is enforced. Publish a policy again if that was not intended.",
}

func endingWords(e watching.Event) ToldWords {
	name, known := endingNames[e.What]
	if !known {
		name = "Something of {place} ends"
	}
	where := e.Host
	if where == "" {
		where = e.Zone
	}
	w := ToldWords{strings.ReplaceAll(name, "{place}", where) + " on " + onDay(e.At), endingTexts[e.What]}
	if days := int(e.At.Sub(e.Seen) / (24 * time.Hour)); e.Usual > 0 {
		w.Text = fmt.Sprintf("It is usually renewed %s before; %s left. %s", Plural(e.Usual, "day"), areLeft(days), w.Text)
	} else {
		w.Text = fmt.Sprintf("%s left. %s", Capital(areLeft(days)), w.Text)
	}
	return w
}

func areLeft(days int) string {
	switch days {
	case 0:
		return "less than a day is"
	case 1:
		return "one day is"
	}
	return fmt.Sprintf("%d days are", days)
}

func onDay(t time.Time) string { return t.UTC().Format("2 January 2006") }
