package report

import "time"

// TLS is what a mail server offers after STARTTLS. The version, the cipher and the group are those of
// the first ordinary handshake, the sender's view; the lists come from further probes and
// are absent where none was made.
type TLS struct {
	Version  Version   `json:"version" empty:"no handshake"` // TLS1.3 … SSL2
	Cipher   string    `json:"cipher"`                       // IANA name
	Group    string    `json:"group,omitempty"`
	Versions []Version `json:"versions,omitempty"`
	Refused  []Version `json:"versions_refused,omitempty"`
	Ciphers  []Suite   `json:"ciphers,omitempty"`
	// NotAsked lists, at depth full, suites of a newer version that an older one was not asked
	// for by itself, since the connections to one address were used up.
	NotAsked   []Suite    `json:"not_asked,omitempty"`
	Groups     []string   `json:"groups,omitempty"`
	Preference Preference `json:"preference,omitempty"`  // whose order of suites counts
	DHBits     int        `json:"dh_bits,omitempty"`     // of the smallest Diffie-Hellman prime seen
	DHGroups   []string   `json:"dh_groups,omitempty"`   // primes by name: ffdhe2048, MODP-1024, own-1024
	MustStaple bool       `json:"must_staple,omitempty"` // the certificate of the first handshake demands a staple (RFC 7633)
	Features   *Features  `json:"features,omitempty"`
	Staple     *Staple    `json:"staple,omitempty"`
	Probes     []Probe    `json:"probes,omitempty"` // further connections, in order, with what each found

	Protocols      []Protocol `json:"protocols,omitempty" derived:"tls"` // every version that was asked for, best first
	KeyExchange    []Exchange `json:"key_exchange,omitempty"`            // groups, curves and primes, best first
	TicketLifetime uint32     `json:"ticket_lifetime,omitempty"`         // longest that a session ticket states, in seconds
	MaxEarlyData   uint32     `json:"max_early_data,omitempty"`          // bytes of 0-RTT that a ticket allows
	Connections    int        `json:"connections,omitempty"`             // made for the probes
	Completed      int        `json:"completed,omitempty"`               // of these, brought to the end of the handshake and ended by QUIT

	// The name under which all was asked that does not depend on the name that is sent; absent where
	// that is the host's own. The certificates were asked for under the host's own.
	SeenAs        string     `json:"seen_as,omitempty"`
	SeenAt        *time.Time `json:"seen_at,omitempty"`        // when it was asked under that other name
	FurtherChains int        `json:"further_chains,omitempty"` // shown to those who name the host, beyond the certificates that are kept
}

// Version is a version of TLS or SSL.
type Version string

// Versions, best first.
const (
	TLS13 Version = "TLS1.3"
	TLS12 Version = "TLS1.2"
	TLS11 Version = "TLS1.1"
	TLS10 Version = "TLS1.0"
	SSL3  Version = "SSL3"
	SSL2  Version = "SSL2"
)

// Class is how good a version, a suite or a group is, in our own word (RULES appendix A).
type Class string

// Classes, best first. Anonymous suites stand between those that are to be phased out and those
// that are bad: they give the secrecy of their cipher to whoever is at the other end.
const (
	Good       Class = "good"
	Sufficient Class = "sufficient"
	Dated      Class = "dated"
	PhaseOut   Class = "phase-out"
	Anonymous  Class = "anonymous"
	Bad        Class = "bad"
	Readable   Class = "readable"
)

// Preference is whose order of suites counts.
type Preference string

const (
	PrefersServer     Preference = "server"
	PrefersClient     Preference = "client"
	PreferenceUnknown Preference = "unknown"
)

// ProbeResult is what came of a question.
type ProbeResult string

// Results of a question: the server went on with the handshake, broke it off, or was not heard.
const (
	ProbeAccepted ProbeResult = "accepted"
	ProbeRefused  ProbeResult = "refused"
	ProbeUntested ProbeResult = "untested"
)

// Recommended is how others see a version, a suite or a group; a word is empty where they say
// nothing of it.
type Recommended struct {
	IETF string `json:"ietf,omitempty"` // RFC 9325 and what updates it
	NCSC string `json:"ncsc,omitempty"` // NCSC-NL, IT Security Guidelines for TLS, 2025-05: good, sufficient, phase out, insufficient
	BSI  string `json:"bsi,omitempty"`  // BSI TR-02102-2, 2026-01
}

// Protocol is a version of TLS or SSL, and whether the server speaks it.
type Protocol struct {
	Version     Version `json:"version"`
	Accepted    bool    `json:"accepted"`
	Class       Class   `json:"class" enum:"good,sufficient,phase-out,bad" derived:"tls"` // ours
	Recommended `derived:"tls"`
}

// Exchange is a group, a curve or a Diffie-Hellman prime that the server agrees keys with.
type Exchange struct {
	Name        string       `json:"name"` // X25519MLKEM768, P-256, ffdhe2048, MODP-1024, own-1024
	Kind        ExchangeKind `json:"kind"`
	Bits        int          `json:"bits"`                // of the curve's field or of the prime
	Versions    []Version    `json:"versions"`            // in which it was seen, best first
	Class       Class        `json:"class" derived:"tls"` // ours: good, sufficient, dated, phase-out, bad, readable
	Recommended `derived:"tls"`
}

// ExchangeKind is how a key is agreed.
type ExchangeKind string

const (
	Hybrid      ExchangeKind = "hybrid" // with ML-KEM
	Curve       ExchangeKind = "curve"
	FiniteField ExchangeKind = "finite-field"
)

// Suite is a cipher suite that the server accepts.
type Suite struct {
	Version     Version `json:"version"`
	Name        string  `json:"name"`                                                                              // IANA name
	Class       Class   `json:"class" enum:"good,sufficient,dated,phase-out,bad,readable,anonymous" derived:"tls"` // ours
	Chosen      bool    `json:"chosen,omitempty"`                                                                  // picked although everything was offered
	DHBits      int     `json:"dh_bits,omitempty"`                                                                 // of the prime it was used with
	Recommended `derived:"tls"`
}

// String is the suite with the version it was accepted in, as findings show it.
func (s Suite) String() string { return string(s.Version) + " " + s.Name }

// Features are answers that a handshake gives on the side; absent: not looked at.
type Features struct {
	ExtendedMasterSecret *bool  `json:"extended_master_secret,omitempty"`
	SecureRenegotiation  *bool  `json:"secure_renegotiation,omitempty"`
	Compression          *bool  `json:"compression,omitempty"`
	HybridIntolerant     *bool  `json:"hybrid_intolerant,omitempty"` // only a hello without ML-KEM works
	NeedsSNI             *bool  `json:"needs_sni,omitempty"`
	Tickets              *bool  `json:"tickets,omitempty"`
	Resumed              *bool  `json:"resumed,omitempty"`
	TruncatedHMAC        *bool  `json:"truncated_hmac,omitempty"`
	GREASEIntolerant     *bool  `json:"grease_intolerant,omitempty"`    // fails on values that nobody knows (RFC 8701)
	WeakHash             *bool  `json:"weak_hash,omitempty"`            // signs the TLS 1.2 key exchange with SHA-1 or MD5 when nothing else is offered
	KeyExchangeHash      string `json:"key_exchange_hash,omitempty"`    // of the TLS 1.2 ServerKeyExchange
	KeyExchangeScheme    string `json:"key_exchange_scheme,omitempty"`  // its signature scheme, the weakest seen
	CertificateVerify    string `json:"certificate_verify,omitempty"`   // signature scheme of TLS 1.3
	EncryptThenMAC       *bool  `json:"encrypt_then_mac,omitempty"`     // with CBC suites (RFC 7366)
	Heartbeat            *bool  `json:"heartbeat,omitempty"`            // the extension is answered (RFC 6520); no heartbeat was sent
	Renegotiation        *bool  `json:"client_renegotiation,omitempty"` // a client may start a new handshake inside a session; asked once
	FallbackSCSV         *bool  `json:"fallback_scsv,omitempty"`        // refuses a needless step down (RFC 7507)
	RefusesUnknownName   *bool  `json:"refuses_unknown_name,omitempty"` // fails on a server name that it does not know
	EarlyData            *bool  `json:"early_data,omitempty"`           // tickets allow 0-RTT; none was sent
}

// Staple is a stapled OCSP response.
type Staple struct {
	Status StapleStatus `json:"status"`
}

// StapleStatus is what a stapled OCSP response says of a certificate (RFC 6960 §2.2), or why it says nothing.
type StapleStatus string

const (
	StapleGood       StapleStatus = "good"
	StapleRevoked    StapleStatus = "revoked"
	StapleUnknown    StapleStatus = "unknown"
	StapleUnreadable StapleStatus = "unreadable"
	StapleAbsent     StapleStatus = "absent"
)

// Probe is one further connection.
type Probe struct {
	Name      string      `json:"name"`
	Result    ProbeResult `json:"result" enum:"accepted,refused,untested"` // what came of it
	Statement             // what the server did, or why it was not asked
	Text      string      `json:"text,omitempty" derived:"words"` // in words
	Offered   string      `json:"offered,omitempty"`              // what the ClientHello had in it; empty where no connection was made
	Completed bool        `json:"completed,omitempty"`            // the handshake came to its end and QUIT was sent inside
}

func (t *TLS) say(w speech) {
	if t != nil {
		sayEach(w, &t.Probes, func(p *Probe) (Statement, *string) { return p.Statement, &p.Text })
	}
}
