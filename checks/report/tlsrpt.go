package report

// TLSRPT is where a domain wants TLS reports sent (RFC 8460).
type TLSRPT struct {
	State     RPTState  `json:"state" derived:"tls-rpt"` // whether reports can be sent
	RUA       []string  `json:"rua,omitempty" derived:"tls-rpt"`
	Raw       string    `json:"raw,omitempty" derived:"tls-rpt"` // the record in force
	Why       Statement `json:"why,omitzero" derived:"tls-rpt"`  // why the state is invalid
	Error     string    `json:"error,omitempty" derived:"words"` // the same in words
	TXT       []string  `json:"txt,omitempty"`
	DNSSEC    *Trust    `json:"dnssec,omitempty"`
	Failure   *Failure  `json:"failure,omitempty"`
	Targets   []Target  `json:"targets,omitempty"`
	Misplaced []string  `json:"misplaced,omitempty"` // names where an old record still stands
	// Vacant are the end of the record's alias, and hosts of report addresses, in a domain that does not exist.
	Vacant []Vacant `json:"vacant,omitempty"`
}

// RPTState is whether reports can be sent.
type RPTState string

const (
	RPTAbsent  RPTState = "absent"
	RPTInvalid RPTState = "invalid"
	RPTSound   RPTState = "ok"
)

// Target is one report address, looked up.
type Target struct {
	URI    string    `json:"uri"`
	Domain string    `json:"domain"`
	Mail   TakesMail `json:"mail,omitempty"`  // mailto: whether its domain takes mail
	HTTPS  Endpoint  `json:"https,omitempty"` // https: whether its host can be reached
}

// TakesMail is whether the domain of a report address takes mail.
type TakesMail string

const (
	MailTaken   TakesMail = "yes"
	MailRefused TakesMail = "no"
	MailUnknown TakesMail = "unknown"
)

// Endpoint is whether the host of a report address can be reached.
type Endpoint string

const (
	EndpointFound        Endpoint = "ok"
	EndpointUnresolvable Endpoint = "unresolvable"
	EndpointForbidden    Endpoint = "forbidden" // no address on the public internet
	EndpointUnknown      Endpoint = "unknown"
)

func (t *TLSRPT) say(w speech) {
	if t != nil {
		w.sayFailure(&t.Failure)
		t.DNSSEC.say(w)
	}
}
