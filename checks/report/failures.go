package report

// Failures yields everything that kept the check from knowing something, in reading order.
func (r *Report) Failures(yield func(*Failure) bool) {
	var list []*Failure
	if r.MX != nil {
		list = append(list, r.MX.Failure)
	}
	if r.DNSSEC != nil {
		for _, a := range r.DNSSEC.Authorities {
			list = append(list, a.Failure)
		}
	}
	for _, h := range r.Hosts {
		list = append(list, h.Failure, h.TLSA.Failure)
		for _, a := range h.Addresses {
			list = append(list, a.Failure)
			if a.SMTP != nil {
				list = append(list, a.SMTP.MailFailure)
			}
			if a.AsBase != nil {
				list = append(list, a.AsBase.Failure)
			}
		}
	}
	if m := r.MTASTS; m != nil {
		list = append(list, m.Failure)
		for _, f := range []*Fetch{m.Fetch, m.Second} {
			if f != nil {
				list = append(list, f.Failure)
			}
		}
	}
	if r.TLSRPT != nil {
		list = append(list, r.TLSRPT.Failure)
	}
	for _, f := range list {
		if f != nil && !yield(f) {
			return
		}
	}
}
