package sender

// Trap names one trap. It is a label in DNS names, for ever.
type Trap string

const (
	Plain        Trap = "plain"           // an honest server, no promise
	Cleartext    Trap = "cleartext"       // no STARTTLS
	TempFail     Trap = "tempfail"        // STARTTLS is answered 454
	Broken       Trap = "broken"          // the handshake fails
	SelfSigned   Trap = "selfsigned"      //
	Expired      Trap = "expired"         //
	OldTLS       Trap = "tls10"           // TLS 1.0 and nothing better
	WrongName    Trap = "wrongname"       // a good certificate for another name
	DANE         Trap = "dane"            // honest, with TLSA records that fit
	DANEBad      Trap = "dane-bad"        // TLSA records that fit nothing
	DANEClear    Trap = "dane-clear"      // TLSA records, no STARTTLS
	DANEIssuer   Trap = "dane-issuer"     // usage 2, and the certificate is for another name
	DANEUnusable Trap = "dane-unusable"   // TLSA records that nobody can use, no STARTTLS
	DANEInsecure Trap = "dane-insecure"   // TLSA records that fit nothing, behind an unsigned MX record
	Bogus        Trap = "bogus"           // signatures that do not verify
	STS          Trap = "sts"             // honest, with an MTA-STS policy that it keeps
	STSCert      Trap = "sts-cert"        // a policy, and a certificate that fits nothing
	STSOutside   Trap = "sts-outside"     // the mail server is not in the policy
	STSOutsideMX Trap = "sts-outside-fit" // the same, but its certificate fits the policy
	STSClear     Trap = "sts-clear"       // a policy, no STARTTLS
	DANEBadSTS   Trap = "dane-bad-sts"    // TLSA records that fit nothing, a policy that is kept
	STSBadDANE   Trap = "sts-bad-dane"    // a policy that is not kept, TLSA records that fit
)

// Manner is how one of our mail servers behaves. A trap leads to one address of that manner.
type Manner string

const (
	Honest     Manner = "honest"
	NoStartTLS Manner = "no-starttls"
	Says454    Manner = "starttls-454"
	Breaks     Manner = "broken-handshake"
	OwnCert    Manner = "self-signed"
	OldCert    Manner = "expired"
	TLS10      Manner = "tls1.0"
)

// Manners are all of them, in the order in which they are shown.
var Manners = []Manner{Honest, NoStartTLS, Says454, Breaks, OwnCert, OldCert, TLS10}

// Promise is what a domain has published that a sender can hold it to.
type Promise int

const (
	NoPromise Promise = 0
	ByDANE    Promise = 1 // TLSA records
	ByPolicy  Promise = 2 // MTA-STS, enforced
)

// Design is how a trap is made.
type Design struct {
	Trap    Trap
	Manner  Manner
	Promise Promise
	Title   string
	Shows   string // what it tells of a sender, in a sentence
}

// Designs are all traps, in the order in which they are shown.
var Designs = []Design{
	{Plain, Honest, NoPromise, "An ordinary domain", "An honest server that promises nothing. Your mail should arrive, encrypted."},
	{Cleartext, NoStartTLS, NoPromise, "No encryption on offer", "The server offers no STARTTLS. Most servers send unencrypted then."},
	{TempFail, Says454, NoPromise, "STARTTLS fails for the moment", "The server offers STARTTLS and answers 454. It shows whether your server falls back to cleartext."},
	{Broken, Breaks, NoPromise, "The TLS handshake fails", "TLS is agreed and then breaks. It shows whether your server falls back to cleartext."},
	{SelfSigned, OwnCert, NoPromise, "A self-signed certificate", "Nobody vouches for the certificate. Without a promise, most servers accept it."},
	{Expired, OldCert, NoPromise, "An expired certificate", "The certificate has ended. Without a promise, most servers accept it."},
	{OldTLS, TLS10, NoPromise, "TLS 1.0 and nothing better", "It shows whether your server still uses a version of TLS that was withdrawn in 2021."},
	{WrongName, Honest, NoPromise, "A certificate for another name", "The certificate is good, but for another name. Without a promise, most servers accept it."},
	{DANE, Honest, ByDANE, "DANE, all correct", "The TLSA records fit the certificate. Your mail should arrive, encrypted."},
	{DANEBad, Honest, ByDANE, "DANE, the wrong key", "The TLSA records fit no key that the server shows. A server that checks DANE must not send."},
	{DANEClear, NoStartTLS, ByDANE, "DANE, but no STARTTLS", "TLSA records promise TLS, and the server offers none: what an attacker does who strips STARTTLS."},
	{DANEIssuer, Honest, ByDANE, "DANE by issuer, the wrong name", "The TLSA records name the issuer, and its certificate is for another name (usage 2)."},
	{DANEUnusable, NoStartTLS, ByDANE, "DANE with records nobody can use, no STARTTLS", "Even TLSA records that cannot be used promise encryption."},
	{DANEInsecure, Honest, ByDANE, "DANE behind an unsigned MX record", "The wrong key, and the MX record is not signed. Strict servers ignore the TLSA records, lenient ones use them."},
	{Bogus, Honest, NoPromise, "A forged DNS answer", "The signatures of the domain do not verify. A resolver that validates gives no answer."},
	{STS, Honest, ByPolicy, "MTA-STS, all correct", "The policy is kept. Your mail should arrive, encrypted."},
	{STSCert, Honest, ByPolicy, "MTA-STS, the wrong certificate", "The policy is enforced and the certificate fits no name in it. A server that checks MTA-STS must not send."},
	{STSOutside, Honest, ByPolicy, "MTA-STS, a mail server outside the policy", "The MX record leads to a server that the policy does not list: what an attacker does who forges DNS."},
	{STSOutsideMX, Honest, ByPolicy, "MTA-STS, outside the policy with a certificate that fits it", "The MX record leads to a server that the policy does not list, though its certificate does fit."},
	{STSClear, NoStartTLS, ByPolicy, "MTA-STS, but no STARTTLS", "The policy is enforced and the server offers no TLS: what an attacker does who strips STARTTLS."},
	{DANEBadSTS, Honest, ByDANE | ByPolicy, "DANE broken, MTA-STS correct", "The TLSA records fit nothing, the policy is kept. DANE has to win."},
	{STSBadDANE, Honest, ByDANE | ByPolicy, "DANE correct, MTA-STS broken", "The TLSA records fit, the policy is not kept. A server that checks DANE may send."},
}

// DesignOf is the design of a trap; the zero value where there is no such trap.
func DesignOf(t Trap) Design {
	for _, d := range Designs {
		if d.Trap == t {
			return d
		}
	}
	return Design{}
}
