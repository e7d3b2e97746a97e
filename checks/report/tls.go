package report

// TLS is what a mail server offers after STARTTLS. Version, Cipher and Group are those of
// the first ordinary handshake, the sender's view; the lists come from further probes and
// are absent where none was made.
type TLS struct {
	Version    string    `json:"version"` // TLS1.3 … SSL2
	Cipher     string    `json:"cipher"`  // IANA name
	Group      string    `json:"group,omitempty"`
	Versions   []string  `json:"versions,omitempty"`
	Refused    []string  `json:"versions_refused,omitempty"`
	Ciphers    []Suite   `json:"ciphers,omitempty"`
	Groups     []string  `json:"groups,omitempty"`
	Preference string    `json:"preference,omitempty"`  // server, client, unknown
	DHBits     int       `json:"dh_bits,omitempty"`     // of the smallest Diffie-Hellman prime seen
	DHGroups   []string  `json:"dh_groups,omitempty"`   // primes by name: ffdhe2048, MODP-1024, own-1024
	MustStaple bool      `json:"must_staple,omitempty"` // the certificate of the first handshake demands a staple (RFC 7633)
	Features   *Features `json:"features,omitempty"`
	Staple     *Staple   `json:"staple,omitempty"`
	Probes     []Probe   `json:"probes,omitempty"` // further connections, in order, with what each found
}

// Suite is a cipher suite that the server accepts.
type Suite struct {
	Version string `json:"version"`
	Name    string `json:"name"`              // IANA name
	Class   string `json:"class"`             // good, sufficient, dated, phase-out, bad, readable, anonymous
	Chosen  bool   `json:"chosen,omitempty"`  // picked although everything was offered
	DHBits  int    `json:"dh_bits,omitempty"` // of the prime it was used with
}

// Features are answers that a handshake gives on the side; nil: not looked at.
type Features struct {
	ExtendedMasterSecret *bool  `json:"extended_master_secret,omitempty"`
	SecureRenegotiation  *bool  `json:"secure_renegotiation,omitempty"`
	Compression          *bool  `json:"compression,omitempty"`
	HybridIntolerant     *bool  `json:"hybrid_intolerant,omitempty"` // only a hello without ML-KEM works
	NeedsSNI             *bool  `json:"needs_sni,omitempty"`
	Tickets              *bool  `json:"tickets,omitempty"`
	Resumed              *bool  `json:"resumed,omitempty"`
	TruncatedHMAC        *bool  `json:"truncated_hmac,omitempty"`
	GREASEIntolerant     *bool  `json:"grease_intolerant,omitempty"` // fails on values that nobody knows (RFC 8701)
	WeakHash             *bool  `json:"weak_hash,omitempty"`         // signs the TLS 1.2 key exchange with SHA-1 or MD5 when nothing else is offered
	KeyExchangeHash      string `json:"key_exchange_hash,omitempty"` // of the TLS 1.2 ServerKeyExchange
}

// Staple is a stapled OCSP response.
type Staple struct {
	Status string `json:"status"` // good, revoked, unknown, unreadable, absent
}

// Probe is one further connection.
type Probe struct {
	Name   string `json:"name"`
	Result string `json:"result"` // accepted, refused, untested
	Text   string `json:"text,omitempty"`
}
