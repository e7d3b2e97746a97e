package report

// Vacant is a name that something of the domain's rests on, and that stands in a registrable
// domain which does not exist.
type Vacant struct {
	Of     string `json:"of,omitempty"` // what is an alias of it, where it is reached so
	Name   string `json:"name"`
	Domain string `json:"domain"` // the one that does not exist
}
