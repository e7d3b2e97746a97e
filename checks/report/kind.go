package report

// Kind is how an attempt ended that gave nothing: a look-up, a connection, a conversation, a fetch. Where
// a name server was asked it may also be the rcode in lower case, or the reason for which an answer does
// not hold.
type Kind string

// The other side, or the way to it.
const (
	KindTimeout       Kind = "timeout"
	KindRefused       Kind = "refused"
	KindReset         Kind = "reset"
	KindClosed        Kind = "closed"
	KindUnreachable   Kind = "unreachable" // from here
	KindReply         Kind = "reply"       // it said no
	KindAlert         Kind = "alert"       // it said no by TLS
	KindProtocol      Kind = "protocol"    // what it sent is not the protocol
	KindLimit         Kind = "limit"       // it sent more than is read
	KindUnfinished    Kind = "unfinished"  // of a hello of our own making: answered, and not carried on
	KindUnsupported   Kind = "unsupported" // by our TLS library
	KindCertificate   Kind = "certificate" // which our TLS library cannot read
	KindTLSVersion    Kind = "tls-version" // too old for a policy host
	KindNoCertificate Kind = "none"        // of a policy host; of one that does not hold the kind is its PKIX
	KindFailed        Kind = "failed"      // else
)

// We ourselves: no packet was sent.
const (
	KindForbidden   Kind = "forbidden"    // an address that is never contacted
	KindOptedOut    Kind = "opted-out"    // its owner wants to be left alone
	KindExhausted   Kind = "exhausted"    // this machine has run out of something
	KindNotAdmitted Kind = "not-admitted" // our turn did not come in time, or was lost
	KindSpent       Kind = "spent"        // beyond the connections of one check
	KindRateLimited Kind = "rate-limited" // asked enough for now
)

// The DNS.
const (
	KindNoDomain         Kind = "nxdomain"
	KindNoData           Kind = "no-data"
	KindNoAddress        Kind = "no-address"
	KindServerFailure    Kind = "servfail"
	KindLoop             Kind = "loop" // of aliases
	KindMalformed        Kind = "malformed"
	KindNotAuthoritative Kind = "not-authoritative"
	KindUnsigned         Kind = "unsigned" // a name server that leaves the signatures out
	KindNotImplemented   Kind = "notimp"
	KindFormatError      Kind = "formerr"
	KindBlocked          Kind = "blocked"       // port 53, for all but the resolver
	KindIntercepted      Kind = "intercepted"   // another answers in the place of name servers
	KindIndeterminate    Kind = "indeterminate" // an answer that could not be judged
	KindAnswer           Kind = "answer"        // none of these: an answer that holds
	KindOK               Kind = "ok"            // by TCP, none of these
)

// NotTested is why a mail server, or an address of one, was not looked at.
type NotTested string

const (
	NotTestedLimit     NotTested = "limit"      // there are more than are looked at
	NotTestedForbidden NotTested = "forbidden"  // addresses that are never contacted
	NotTestedMapped    NotTested = "mapped"     // an IPv4 address in IPv6 form
	NotTestedNoAddress NotTested = "no-address" // it has none
)

// ClientCert is whether a server wants a certificate of its client.
type ClientCert string

const (
	ClientCertAsked    ClientCert = "asked"
	ClientCertRequired ClientCert = "required"
)
