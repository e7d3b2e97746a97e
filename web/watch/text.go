package watch

import (
	"fmt"
	"strings"

	"mxseal/checks/view"
	"mxseal/web/store"
)

// subject is that of a message by mail: what is most urgent, and how much more there is.
func subject(one store.Watch, t Told) string {
	if one.Token != "" {
		return "Please confirm: watch mail to " + one.Domain
	}
	first := view.WordsOfTold(t.Events[0], one.Domain).Title
	for _, e := range t.Events {
		if e.Urgent() {
			first = view.WordsOfTold(e, one.Domain).Title
			break
		}
	}
	if more := len(t.Events) - 1; more > 0 {
		return fmt.Sprintf("%s: %s, and %d more", one.Domain, first, more)
	}
	return one.Domain + ": " + first
}

// text is that of a message by mail.
func (w *Watches) text(one store.Watch, t Told) string {
	var b strings.Builder
	if one.Token != "" {
		fmt.Fprintf(&b, "Somebody, probably you, wants to be told at this address when something changes about the security of mail to %s.\n\n"+
			"Open this page and press the button to confirm:\n%s\n\n"+
			"If that was not you, do nothing. Without the button you get no further message, and this address is forgotten after two days.\n", one.Domain, w.confirmation(one))
		b.WriteString(sameDomain(one))
		return b.String()
	}
	fmt.Fprintf(&b, "Mail to %s\n\n", one.Domain)
	for _, e := range t.Events {
		words := view.WordsOfTold(e, one.Domain)
		fmt.Fprintf(&b, "* %s\n  %s\n\n", words.Title, words.Text)
	}
	fmt.Fprintf(&b, "The report: %s/report/%s\n", w.cfg.BaseURL, t.Report)
	fmt.Fprintf(&b, "Your watch, to see what was told or to end it: %s\n", w.page(one))
	if one.Missed > 0 {
		fmt.Fprintf(&b, "\n%s before this one could not be delivered. The page of your watch has all of them.\n", view.Plural(one.Missed, "message"))
	}
	b.WriteString(sameDomain(one))
	return b.String()
}

// sameDomain says plainly where messages go to the domain that they are about.
func sameDomain(one store.Watch) string {
	if !Own(one) {
		return ""
	}
	return fmt.Sprintf("\nThis message goes to an address at %s itself. When mail to that domain is broken, you may not get it. An address at another domain is safer.\n", one.Domain)
}

// Own reports whether a watch tells an address at the very domain that it is about.
func Own(one store.Watch) bool { return strings.HasSuffix(one.Target, "@"+one.Domain) }
