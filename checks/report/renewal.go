package report

// Renewal is what a rule means of its own before a certificate is deployed (package rehearse); most mean
// there what they mean in a report.
type Renewal int

const (
	BreaksOff Renewal = iota + 1 // part of the senders break off TLS with such a certificate
	NextOne                      // records forbid the issuer: the renewal after this one will be refused
	Present                      // it is true of the present server and no matter of the next certificate
)
