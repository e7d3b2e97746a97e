package grade

import (
	"slices"

	"mxseal/checks/report"
)

// The senders, rows of the matrix (RULES 3.1).
const (
	S0  report.Sender = "S0"  // no TLS
	S1  report.Sender = "S1"  // opportunistic TLS
	S1L report.Sender = "S1L" // opportunistic, TLS 1.0 and 1.1 too
	S2  report.Sender = "S2"  // DANE, only behind signed MX records
	S2L report.Sender = "S2L" // DANE, behind unsigned MX records too
	S3  report.Sender = "S3"  // MTA-STS with the policy cached
	S3C report.Sender = "S3C" // MTA-STS on first contact
	S4  report.Sender = "S4"  // insists on a public certificate
	S5  report.Sender = "S5"  // a message sent with REQUIRETLS
	S6  report.Sender = "S6"  // DANE, else MTA-STS
)

// The attackers, columns of the matrix (RULES 3.2).
const (
	A0 report.Attacker = "A0" // no attack
	A1 report.Attacker = "A1" // listens
	A2 report.Attacker = "A2" // edits the dialogue, cannot speak TLS
	A3 report.Attacker = "A3" // terminates the connection himself
	A4 report.Attacker = "A4" // forges unsigned DNS
	A5 report.Attacker = "A5" // A3, A4 and a mis-issued public certificate
)

// SenderInfo describes a sender for people.
type SenderInfo struct {
	ID   report.Sender
	Name string
	Does string
}

// Senders are the rows of every matrix, in reading order. S1L only tells an F from an E;
// S2L and S3C are worth showing where they differ from S2 and S3.
//
// Who is named was tried as Debian 12 installs it: Postfix 3.7 and Exim 4.96, which know DANE and
// not MTA-STS. Of the others their makers say so. Google, "About MTA-STS and TLS reporting",
// support.google.com/a/answer/9261504: mail complies with policies in enforced mode (read 2026-11-28,
// in a copy). Microsoft, Exchange Team Blog, "Announcing SMTP DANE & MTA STS Connector Modes in
// Exchange Online", 2026-03-10: both are validated by default where the recipient has them (read
// 2026-11-28).
var Senders = []SenderInfo{
	{S0, "a server without TLS", "never encrypts"},
	{S1, "an ordinary server", "encrypts with TLS 1.2 or later if it is offered, accepts any certificate, and falls back to clear text"},
	{S1L, "a server that speaks old TLS too", "the same, and speaks TLS 1.0 and 1.1 as well, as Postfix and Exim do as Debian 12 installs them"},
	{S2, "Exim with DANE", "demands the key in your signed TLSA records, if your MX records and the addresses of your servers are signed too. Otherwise like an ordinary server"},
	{S2L, "Postfix with DANE", "demands the key in signed TLSA records of your mail servers, even if your own domain is unsigned"},
	{S3, "Gmail, which checks MTA-STS", "demands a valid certificate of a server named in your policy, which it has cached"},
	{S3C, "Gmail at first contact", "the same, but has never seen your policy"},
	{S4, "a partner who insists on your certificate", "demands TLS and a public certificate for the name in the MX record, whatever you publish"},
	{S5, "a message sent with REQUIRETLS", "is returned unless every server on its way can be authenticated and passes the demand on"},
	{S6, "Exchange Online", "uses DANE where there is one, otherwise MTA-STS"},
}

// AttackerInfo describes an attacker for people.
type AttackerInfo struct {
	ID   report.Attacker
	Name string
	Can  string
}

// Attackers are the columns of every matrix, each at the place it has in a row.
var Attackers = []AttackerInfo{
	{A0, "no attack", "a normal day"},
	{A1, "listens", "reads what passes between the two servers"},
	{A2, "strips STARTTLS", "edits the dialogue before encryption begins, so that it never begins"},
	{A3, "pretends to be your server", "answers in its place, with a self-made certificate"},
	{A4, "forges DNS", "forges unsigned answers, and leads the mail to a server with a valid certificate for its own name"},
	{A5, "has a forged certificate", "all of this, with a publicly trusted certificate for your names that was issued by mistake"},
}

// badness orders the outcomes, best first (RULES 3.4).
var badness = []report.Outcome{report.Auth, report.Defer, report.Enc, report.Clear, report.Stolen}

func worst(a, b report.Outcome) report.Outcome {
	if slices.Index(badness, b) > slices.Index(badness, a) {
		return b
	}
	return a
}

// worstDelivered is worst for a sender that goes on to another host when one makes him wait.
func worstDelivered(a, b report.Outcome) report.Outcome {
	switch report.Defer {
	case a:
		return b
	case b:
		return a
	}
	return worst(a, b)
}

// safe reports whether nobody but the real server gets the mail, and nobody reads it.
func safe(outcomes ...report.Outcome) bool {
	return !slices.ContainsFunc(outcomes, func(o report.Outcome) bool {
		return o != report.Auth && o != report.Defer
	})
}

// delivery is a sender's row for the whole domain (RULES 3.4).
func delivery(f Facts, sender report.Sender) row {
	all := row{report.Defer, report.Defer, report.Auth, report.Auth, report.Auth, report.Auth}
	level := 0
	for _, m := range f.counted() {
		r := decide(f, m, sender)
		// A0: the first preference at which anything is delivered decides.
		if all[0] == report.Defer || m.Pref == level {
			all[0], level = worstDelivered(all[0], r[0]), m.Pref
		}
		// A1: sooner or later mail meets every host.
		all[1] = worstDelivered(all[1], r[1])
		// A2 to A5: the attacker blocks the hosts he dislikes.
		for a := 2; a < len(all); a++ {
			all[a] = worst(all[a], r[a])
		}
	}
	return all
}

// matrix is every sender's row.
func matrix(f Facts) report.Matrix {
	rows := make(report.Matrix, len(Senders))
	for _, s := range Senders {
		columns := make(map[report.Attacker]report.Outcome, len(Attackers))
		for i, outcome := range delivery(f, s.ID) {
			columns[Attackers[i].ID] = outcome
		}
		rows[s.ID] = columns
	}
	return rows
}
