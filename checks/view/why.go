package view

import (
	"strings"

	"mxseal/checks/report"
)

// cellReasons say why a mail meets an outcome, for a person who wonders about one cell of the
// matrix. The first line that fits speaks. They put the decision table of the grade into
// words (RULES 3.3) and decide nothing themselves; each holds wherever that table gives the
// outcome, so they speak of “a server”, since one is enough for an attacker.
var cellReasons = []struct {
	senders, attackers string // words; empty: any
	outcome            report.Outcome
	text               string
}{
	{"S0", "A0 A1 A2", report.Clear, "This sender does not use TLS: everything it sends can be read on the way."},
	{"S0", "A0 A1 A2", report.Defer, "Your servers take no mail without TLS, and this sender has none."},
	{"S0 S1 S1L", "", report.Stolen, "Any server that answers gets the mail: this sender asks nobody for proof."},
	{"S1 S1L", "A2", report.Clear, "The attacker takes STARTTLS out of the dialogue, and nothing tells this sender that it should be there."},

	{"S5", "", report.Auth, "The server that the message reaches can be authenticated and promises to pass the demand on."},
	{"S5", "A0 A1", report.Defer, "A server does not offer REQUIRETLS, or cannot be authenticated: the message returns to its author."},
	{"S5", "", report.Defer, "The message goes only to a server that proves who it is and offers REQUIRETLS; so it returns to its author."},
	{"S5", "", report.Stolen, "With a false certificate the attacker passes for a server that keeps the promise; no signed TLSA record gives him away."},

	{"S2 S2L", "A0", report.Auth, "The server that the sender reaches shows the key of its signed TLSA records: the sender knows that it is yours."},
	{"S3 S3C", "A0", report.Auth, "The server that the sender reaches is named in your policy and shows a valid certificate: the sender knows that it is yours."},
	{"S4", "A0", report.Auth, "The server that the sender reaches shows a publicly trusted certificate for its name, and that is what this sender insists on."},
	{"S6", "A0", report.Auth, "The server that the sender reaches shows what your signed records or your policy promise: the sender knows that it is yours."},
	{"", "A1", report.Auth, "The listener sees nothing but an encrypted stream."},

	{"S2 S2L", "A0 A1", report.Defer, "Your signed records and your servers do not fit together, so this sender waits rather than deliver to a stranger."},
	{"S3 S3C", "A0 A1", report.Defer, "Your policy and your servers do not fit together, so this sender waits rather than deliver to a stranger."},
	{"S4", "A0 A1", report.Defer, "A server has no publicly trusted certificate for its name, or no TLS, and this sender delivers nothing without."},
	{"S6", "A0 A1", report.Defer, "What you publish and what your servers show do not fit together, so this sender waits."},
	{"S1 S1L", "A0 A1", report.Defer, "Your servers take no mail without TLS, and this sender finds no version in common."},

	{"", "A2", report.Defer, "The attacker takes STARTTLS out of the dialogue; one of the two sides insists on it, so nothing is delivered."},
	{"S2 S2L", "A3", report.Defer, "The attacker does not have the key of your signed records. The sender notices and waits."},
	{"S3 S3C", "A3", report.Defer, "The attacker has no valid certificate of a server in your policy. The sender notices and waits."},
	{"S4", "A3", report.Defer, "The attacker has no publicly trusted certificate for the name of your server. The sender notices and waits."},
	{"S6", "A3", report.Defer, "The attacker cannot show what you publish. The sender notices and waits."},
	{"S2 S2L", "A4", report.Defer, "Forged answers carry no valid signature. The sender notices and waits."},
	{"S3 S3C", "A4", report.Defer, "The sender has your policy in store; the server that the forgery names is not in it."},
	{"S6", "A4", report.Defer, "Your signatures, or the policy that the sender has in store, give the forgery away."},
	{"", "A5", report.Defer, "A false certificate does not help: this sender goes by your signed records."},

	{"S2 S2L", "A3", report.Stolen, "Nothing signed says which key a server has, so this sender takes the attacker for it."},
	{"S3 S3C", "A3", report.Stolen, "No policy in force says whom to expect, so this sender takes the attacker for your server."},
	{"S6", "A3", report.Stolen, "Neither signed TLSA records nor a policy in force say whom to expect, so this sender takes the attacker for your server."},
	{"S2 S2L", "A4", report.Stolen, "The records that lead to a server are not all signed, so forged ones pass."},
	{"S3", "A4", report.Stolen, "No policy in force that senders keep for a day or more names your servers, so forged records pass."},
	{"S3C", "A4", report.Stolen, "At first contact there is nothing in store to hold the forged records against."},
	{"S4", "A4", report.Stolen, "The forged records name a server of the attacker's, and it shows a valid certificate for that name."},
	{"S6", "A4", report.Stolen, "Neither signatures nor a policy in store name your servers, so forged records pass."},
	{"S2 S2L", "A5", report.Stolen, "Without TLSA records that are signed all the way, nothing stops a false certificate."},
	{"", "A5", report.Stolen, "A publicly trusted certificate for your names is the most that this sender could ask for, and the attacker has one."},

	{"", "A0", report.Enc, "The sender encrypts, as STARTTLS is offered, and accepts whatever certificate it is shown."},
	{"", "A1", report.Enc, "The listener sees nothing but an encrypted stream."},
	{"", "A0", report.Clear, "A server that this sender reaches has no TLS that they could agree on, so it delivers in clear text."},
	{"", "A1", report.Clear, "At least one of your servers takes this sender's mail in clear text, and the listener reads it."},
	{"", "A2", report.Clear, "The attacker takes STARTTLS out of the dialogue; nothing published tells this sender that it has to be there."},
}

// cellReason says why the cell has its outcome; empty for what this program does not know.
func cellReason(sender, attacker string, o report.Outcome) string {
	fits := func(list, name string) bool {
		if list == "" {
			return true
		}
		for word := range strings.FieldsSeq(list) {
			if word == name {
				return true
			}
		}
		return false
	}
	for _, r := range cellReasons {
		if r.outcome == o && fits(r.senders, sender) && fits(r.attackers, attacker) {
			return r.text
		}
	}
	return ""
}
