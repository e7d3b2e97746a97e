package checks

// Domain is a mail domain as a person typed it, understood.
type Domain struct {
	ASCII   string   // A-label form, lower case, no trailing dot: what every query uses
	Unicode string   // for people
	Notes   []string // ids of the INP rules that applied, such as INP-02 for a pasted address
}

// InputError says why what was typed is not a mail domain.
type InputError struct {
	Rule     string // INP-01 …
	Sentence string // for the person who typed
}

func (e *InputError) Error() string { return e.Sentence }

// ParseDomain is the only parser of what a person typed (RULES INP). The error is an
// *InputError. Special-use names (RFC 6761: .test, .example …) are refused unless special
// is set, as it is while the lab runs or a test network is allowed.
func ParseDomain(typed string, special bool) (Domain, error) {
	panic("not built yet")
}
