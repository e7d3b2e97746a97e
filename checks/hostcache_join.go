package checks

import (
	"context"
	"slices"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/starttls"
)

// underAnotherName returns a look at everything at the address that serves the domain, made
// under another name than the one wanted; nil where there is none, or it is not needed. It waits
// for one that is under way, for a while.
func (c *hostCache) underAnotherName(ctx context.Context, w wish) *sighting {
	if c.remembers(w) {
		return nil
	}
	c.mu.Lock()
	s := c.latest(w.at)
	if !s.serves(w) || s.name == w.name {
		c.mu.Unlock()
		return nil
	}
	party := s.party
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	defer party.Join(w.party)()
	select {
	case <-s.done:
	case <-ctx.Done():
		return nil
	}
	if !s.whole || s.address.SMTP.STARTTLS != report.Works || s.address.TLS == nil {
		return nil
	}
	return s
}

// join makes one of what an address showed under a name and of a look at everything under
// another one. alike is whether the two may be taken for the same server: the same hello came
// to the same end, with a key of the same kind.
func join(named report.Address, under *sighting) (a report.Address, alike bool) {
	all := under.address
	if named.Failure != nil || named.SMTP == nil || named.TLS == nil || named.SMTP.STARTTLS != all.SMTP.STARTTLS ||
		starttls.Worked(named.SMTP.Ladder) != starttls.Worked(all.SMTP.Ladder) || named.TLS.Version != all.TLS.Version ||
		named.TLS.Cipher != all.TLS.Cipher || named.TLS.Group != all.TLS.Group || keyKinds(named) != keyKinds(all) {
		return named, false
	}
	a = named
	smtp, tls := *named.SMTP, *all.TLS
	smtp.Enforced, smtp.MailReply, smtp.MailFailure = all.SMTP.Enforced, all.SMTP.MailReply, all.SMTP.MailFailure
	smtp.Injection, smtp.Changed, smtp.Oddities = all.SMTP.Injection, all.SMTP.Changed, all.SMTP.Oddities
	tls.MustStaple, tls.Staple = named.TLS.MustStaple, named.TLS.Staple
	tls.SeenAs, tls.SeenAt = under.name, &under.at
	a.SMTP, a.TLS = &smtp, &tls
	return a, true
}

// keyKinds are the kinds of the keys in the certificates that an address shows under its name.
func keyKinds(a report.Address) string {
	var kinds []string
	for _, c := range a.Named() {
		kind, _, _ := strings.Cut(c.Key, " ")
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return strings.Join(slices.Compact(kinds), " ")
}
