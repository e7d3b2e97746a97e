package report

// SMTP is a conversation with a mail server up to the end of its TLS handshake, and the
// separate one in clear that asks whether it enforces TLS.
type SMTP struct {
	Banner   string   `json:"banner"`
	Software string   `json:"software,omitempty" derived:"starttls"`                            // recognised from the banner, empty otherwise
	EHLO     []string `json:"ehlo"`                                                             // keywords before TLS
	Offer    *Offer   `json:"offer,omitempty"`                                                  // how STARTTLS is announced, where senders part over it
	EHLOTLS  []string `json:"ehlo_tls"`                                                         // keywords inside TLS
	HELO     bool     `json:"helo,omitempty"`                                                   // EHLO was refused and HELO worked
	STARTTLS STARTTLS `json:"starttls" enum:"ok,not-offered,refused,handshake-failed,untested"` // how far it came
	Enforced *bool    `json:"enforced"`                                                         // mail in clear is refused; null: not asked or unclear
	Reply    string   `json:"reply,omitempty"`                                                  // the reply that decided starttls or ended the dialogue

	GreetingMS  int64     `json:"greeting_ms"`            // from the connection to the end of the greeting
	MailReply   string    `json:"mail_reply,omitempty"`   // to MAIL FROM:<> in clear
	MailFailure *Failure  `json:"mail_failure,omitempty"` // what kept us from that reply
	Changed     bool      `json:"changed,omitempty"`      // STARTTLS was listed on one visit and not on the next (SMT-25)
	Injection   Injection `json:"injection,omitempty"`    // what became of a command sent behind STARTTLS (SMT-21)
	Hidden      bool      `json:"hidden,omitempty"`       // STARTTLS works though it is not listed (SMT-14)
	Stray       string    `json:"stray,omitempty"`        // bytes between the 220 and our ClientHello (SMT-20)
	Oddities    []Oddity  `json:"oddities,omitempty"`     // how its replies are written, beside what SMTP has
	// CertificateOctets is the length of the list of certificates, where it is a long one.
	CertificateOctets int        `json:"certificate_octets,omitempty"`
	Tries             int        `json:"tries,omitempty"`       // of STARTTLS, when it was refused with 4xx
	Ladder            []Rung     `json:"ladder,omitempty"`      // handshakes tried, until one worked
	ClientCert        ClientCert `json:"client_cert,omitempty"` // whether the server wants one

	Transcript []Line `json:"transcript,omitempty"`
}

// STARTTLS is how far a server came with it.
type STARTTLS string

const (
	Works           STARTTLS = "ok"
	NotOffered      STARTTLS = "not-offered"
	Refused         STARTTLS = "refused"
	HandshakeFailed STARTTLS = "handshake-failed"
	NotTried        STARTTLS = "untested" // or nothing came of it that tells of the server
)

// Offer is what senders make of a greeting and of the answer to EHLO, where they part or where
// the word STARTTLS is there and not as RFC 3207 §2 has it.
type Offer struct {
	Form    OfferForm          `json:"form,omitempty"` // what is unusual
	Line    string             `json:"line,omitempty"` // with the word, or of the greeting
	Readers map[string]Reading `json:"readers"`        // what each sender makes of it: postfix, exim, opensmtpd
}

// OfferForm is where and how the word STARTTLS stands, or why it is not seen.
type OfferForm string

const (
	FormFirstLine      OfferForm = "first-line"      // of the answer to EHLO, which is for the host's name
	FormHostLine       OfferForm = "host-line"       // beside the host's name, in that line
	FormFarBehind      OfferForm = "far-behind"      // more octets than Postfix reads
	FormNoCode         OfferForm = "no-code"         // in a line without a reply code
	FormOtherCode      OfferForm = "other-code"      // in a line with another than 250
	FormInAnotherWord  OfferForm = "in-another-word" // within another keyword
	FormBlankBefore    OfferForm = "blank-before"
	FormLowerCase      OfferForm = "lower-case"
	FormTabAfter       OfferForm = "tab-after"
	FormEqualsSign     OfferForm = "equals-sign"
	FormBlankAfter     OfferForm = "blank-after"
	FormParameter      OfferForm = "parameter"
	FormGlued          OfferForm = "glued" // with something stuck to its end
	FormNUL            OfferForm = "nul"
	FormLongReply      OfferForm = "long-reply"      // longer than some senders read
	FormLeftOver       OfferForm = "left-over"       // lines that belong to no reply
	FormMaskedGreeting OfferForm = "masked-greeting" // by a firewall, for which no EHLO is tried
)

// Reading is what a sender makes of a server's words before TLS.
type Reading string

const (
	ReadsTLS     Reading = "tls"        // asks for STARTTLS
	ReadsClear   Reading = "clear"      // goes on in clear
	ReadsNothing Reading = "breaks-off" // does not deliver
)

// Oddity is a way of writing replies that SMTP does not have (RFC 5321 §4.2).
type Oddity string

const (
	OddLongLine   Oddity = "long-line" // more than 512 octets
	OddBareLF     Oddity = "bare-lf"
	OddNonASCII   Oddity = "non-ascii"
	OddNoCode     Oddity = "no-code"
	OddEmptyLine  Oddity = "empty-line"
	OddCode       Oddity = "odd-code"
	OddMixedCodes Oddity = "mixed-codes" // in one reply
)

// Injection is what became of a command that was sent behind STARTTLS, before the handshake.
type Injection string

const (
	InjectionDiscarded Injection = "discarded"
	InjectionClosed    Injection = "closed" // the connection was
	InjectionAnswered  Injection = "answered"
)

// Rung is one attempt of the retry ladder before any "TLS fails" (RULES appendix F).
type Rung struct {
	Hello     Hello  `json:"hello"`
	OK        bool   `json:"ok"`
	Statement        // what ended it
	Error     string `json:"error,omitempty" derived:"words"` // in words
	Alert     int    `json:"alert,omitempty"`                 // TLS alert number the server sent
	Kind      Kind   `json:"kind,omitempty"`                  // of what ended it

	// What was agreed, where the hello was of our own making.
	Version Version `json:"version,omitempty"`
	Cipher  string  `json:"cipher,omitempty"`
	Group   string  `json:"group,omitempty"`
	Scheme  string  `json:"scheme,omitempty"`  // that signed the handshake
	DHBits  int     `json:"dh_bits,omitempty"` // of a Diffie-Hellman prime
}

// Hello names a ClientHello that is tried.
type Hello string

const (
	HelloModern Hello = "modern" // of a modern sender

	// What names a cause by differing from it in one thing.
	HelloNoHybrid   Hello = "no-hybrid"
	HelloSmallTLS12 Hello = "small-tls12"
	HelloNoSNI      Hello = "no-sni"

	// Senders of today in their own words.
	HelloPostfix   Hello = "postfix"
	HelloExim      Hello = "exim"
	HelloOpenSMTPD Hello = "opensmtpd"

	// What only senders of yesterday say; the last three in older reports.
	HelloEverySuite Hello = "every-suite"
	HelloAnySuite   Hello = "any-suite"
	HelloAllTLS12   Hello = "all-tls12"
	HelloTLS11      Hello = "tls11"
	HelloTLS10      Hello = "tls10"
)

// Line is one line of a transcript.
type Line struct {
	MS        int64   `json:"ms"` // since the connection was asked for
	From      Speaker `json:"from"`
	Statement         // the remark
	Text      string  `json:"text"` // of a remark: in words
}

// Speaker is who said a line.
type Speaker string

const (
	Client Speaker = "C"
	Server Speaker = "S"
	Remark Speaker = "*" // our own
)

func (s *SMTP) say(w speech) {
	if s == nil {
		return
	}
	w.sayFailure(&s.MailFailure)
	w.ladder(&s.Ladder)
	w.old = true // what others said is no statement
	sayEach(w, &s.Transcript, func(l *Line) (Statement, *string) { return l.Statement, &l.Text })
}

func (w speech) ladder(list *[]Rung) {
	sayEach(w, list, func(r *Rung) (Statement, *string) { return r.Statement, &r.Error })
}
