package input

import "mxseal/checks/report"

// Rules are the rows of the catalogue about what a person typed. The Text of a row
// that rejects is the sentence shown to that person.
var Rules = report.Rules{
	{
		ID: "INP-01", Verdict: report.Fail,
		Title:     "No domain was typed",
		Text:      "Type a mail domain: the part of an address after the @, such as example.org.",
		Reference: "RFC 5321 §4.1.2",
	},
	{
		ID: "INP-02", Verdict: report.Info,
		Title:     "An address or a link was typed",
		Text:      "Only the domain {domain} was taken from it. The part before the @ was thrown away at once; it was neither stored nor sent anywhere.",
		Reference: "RFC 5321 §4.1.2",
	},
	{
		ID: "INP-03", Verdict: report.Pass,
		Title:     "The name was typed with its trailing dot",
		Text:      "The dot that ends a fully qualified name was left out.",
		Reference: "RFC 1035 §3.1",
	},
	{
		ID: "INP-04", Verdict: report.Fail,
		Title:     "A part of the name is empty",
		Text:      "There are two dots next to each other, or the name begins with a dot. Every part between the dots needs at least one letter or digit.",
		Reference: "RFC 1035 §2.3.1",
	},
	{
		ID: "INP-05", Verdict: report.Fail,
		Title:     "The name holds characters that no domain can have",
		Text:      "International names are made of letters, digits and hyphens of one direction of writing. Symbols, emoji and invisible characters are not allowed (IDNA2008).",
		Reference: "RFC 5891 §4, RFC 5892",
	},
	{
		ID: "INP-06", Verdict: report.Fail,
		Title:     "A part that begins with xn-- is not the encoding of an international name",
		Text:      "What follows xn-- does not decode to a valid international label and back to the same letters, so nobody can hold that name.",
		Reference: "RFC 5891 §5.4",
	},
	{
		ID: "INP-07", Verdict: report.Fail,
		Title:     "This is not a mail domain",
		Text:      "Mail domains consist of letters, digits and hyphens. A part has at most 63 of them and no hyphen at its ends. The whole name has at most 253. Names with underscores belong to other uses of the DNS.",
		Reference: "RFC 5321 §2.3.5",
	},
	{
		ID: "INP-08", Verdict: report.Info,
		Title:     "The name is so long that not every protection fits",
		Text:      "With _25._tcp., _mta-sts. or _smtp._tls. in front, the name would be longer than the 253 octets a domain name may have. Such a record cannot exist for {domain}.",
		Reference: "RFC 1035 §2.3.4",
	},
	{
		ID: "INP-09", Verdict: report.Fail,
		Title:     "The name has only one part",
		Text:      "mxseal checks names of at least two parts with a dot between them, such as example.org. A few top-level domains have MX records of their own; they are not checked here.",
		Reference: "RFC 7085 §2.3",
	},
	{
		ID: "INP-10", Verdict: report.Fail,
		Title:     "An IP address is not a mail domain",
		Text:      "The protections tested here hang on names; an address cannot have them. Type the mail domain, the part after the @.",
		Reference: "RFC 7672 §2.2, RFC 8461 §3.4",
	},
	{
		ID: "INP-11", Verdict: report.Fail,
		Title:     "This name is reserved and never on the public internet",
		Text:      "Names under .local, .localhost, .test, .invalid, .example, .onion, .alt, .internal and .arpa are set aside for special uses. Nothing on the public internet receives mail for them.",
		Reference: "RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476",
	},
	{
		ID: "INP-12", Verdict: report.Info,
		Title:     "{domain} is a public suffix",
		Text:      "People register their own names below {domain}. Exactly the name that was typed is tested, not one below or above it.",
		Reference: "RFC 8461 §3.4",
	},
	{
		ID: "INP-13", Verdict: report.Fail,
		Title:     "A port or a user name was given",
		Text:      "Only port 25 of the servers in a domain's MX records is tested. Type the domain alone, such as example.org.",
		Reference: "RFC 5321 §5.1",
	},
	{
		ID: "INP-14", Verdict: report.Info,
		Title:     "{domain} looks like the name of a server",
		Text:      "There is no MX record, and the name begins like that of a mail server. Perhaps the mail domain is meant: the part after the @ of the addresses.",
		Reference: "RFC 5321 §5.1",
	},
	{
		ID: "INP-15", Verdict: report.Info,
		Title:     "The name can be mistaken for another",
		Text:      "It mixes scripts, or is written in letters that look like others. In the DNS it is {domain}; make sure that it is the one you mean.",
		Reference: "UTS 39 §5.2",
	},
}
