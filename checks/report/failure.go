package report

// Failure says what kept us from an answer or a fact, and in which phase.
// It is the evidence of an untested verdict.
type Failure struct {
	Phase     Phase  `json:"phase"` // in which it ended
	Kind      Kind   `json:"kind"`
	Statement        // the same in full: who did what
	Text      string `json:"text" derived:"words"` // a sentence with the peer in it
}

// Failed makes a failure.
func Failed(phase Phase, kind Kind, why Statement) *Failure {
	return &Failure{Phase: phase, Kind: kind, Statement: why}
}

// Phase is a part of a check.
type Phase string

const (
	PhaseMX          Phase = "mx" // look-ups: of the MX records
	PhaseAddress     Phase = "address"
	PhaseTLSA        Phase = "tlsa"
	PhaseTXT         Phase = "txt"
	PhaseDNS         Phase = "dns"     // any other
	PhaseConnect     Phase = "connect" // a conversation, in its order
	PhaseGreeting    Phase = "greeting"
	PhaseEHLO        Phase = "ehlo"
	PhaseSTARTTLS    Phase = "starttls"
	PhaseHandshake   Phase = "handshake"
	PhaseCertificate Phase = "certificate"
	PhaseMail        Phase = "mail"
	PhaseRSET        Phase = "rset"
	PhaseQUIT        Phase = "quit"
	PhaseHTTP        Phase = "http" // of the policy file
)

// Same reports whether two failures say the same.
func (f *Failure) Same(g *Failure) bool {
	return f == g || f != nil && g != nil && f.Phase == g.Phase && f.Kind == g.Kind && f.Text == g.Text && f.Code == g.Code
}

func (f *Failure) cut(octets int) {
	if f != nil {
		f.Statement, f.Text = f.Statement.cut(octets), Clean(f.Text, octets)
	}
}

// sayFailure writes the sentence of a failure, where there is one and it is another than the one that stands there.
// Reports share failures: it is a new one.
func (w speech) sayFailure(at **Failure) {
	if *at == nil {
		return
	}
	if text, differs := w.differs((*at).Statement, (*at).Text); differs {
		own := **at
		own.Text = text
		*at = &own
	}
}
