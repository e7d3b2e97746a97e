package report

// Authority is what the name servers of one zone said when each was asked by itself.
type Authority struct {
	Zone      string       `json:"zone,omitempty"`
	Servers   []NameServer `json:"servers,omitempty"`
	Questions int          `json:"questions,omitempty"` // put to name servers directly
	Failure   *Failure     `json:"failure,omitempty"`   // why they could not be found or asked
}

// NameServer is one address of a name server, or a name server without address.
type NameServer struct {
	Name   string `json:"name"`
	IP     string `json:"ip,omitempty"`
	Serial uint32 `json:"serial,omitempty"` // of its SOA
	Signed bool   `json:"signed"`           // its SOA came with a signature
	// Fault is what is wrong with it, empty where nothing is: the kind of the failure, the rcode it
	// answered in lower case, or the reason of a signature that does not hold.
	Fault     Kind   `json:"fault,omitempty"`
	State     State  `json:"state,omitempty"` // of its SOA by the keys of the zone; empty where it was not held against them
	TCP       Kind   `json:"tcp,omitempty"`   // ok, or the fault by TCP; empty where it was not asked so
	Statement        // all of that
	Text      string `json:"text" derived:"words"` // in a sentence
}

// Blameless reports whether a fault may lie in our own network, or in that we do not contact
// the address.
func (n NameServer) Blameless() bool {
	return Own(n.Fault)
}

// Own reports whether a kind of failure says nothing about the other side: it lies in our own
// network, machine or rules.
func Own(kind Kind) bool {
	switch kind {
	case KindUnreachable, KindForbidden, KindOptedOut, KindExhausted, KindSpent:
		return true
	}
	return Held(kind)
}

// Held reports whether a kind of failure is that we held back for now: something had been asked
// enough within an hour, or our turn did not come in time. Later it may be had.
func Held(kind Kind) bool { return kind == KindRateLimited || kind == KindNotAdmitted }

func (a *Authority) say(w speech) {
	w.sayFailure(&a.Failure)
	sayEach(w, &a.Servers, func(n *NameServer) (Statement, *string) { return n.Statement, &n.Text })
}
