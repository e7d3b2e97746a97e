package sender

import (
	"slices"
	"time"
)

// Answer is yes, no, or not known yet.
type Answer int

const (
	Unknown Answer = iota
	No
	Yes
)

// Facts are what the outcomes say of a sender. The letter follows from nothing else.
type Facts struct {
	Encrypts  Answer // where encryption is offered
	Insists   Answer // it sends nothing in clear, whatever is offered
	FallsBack Answer // to clear, where TLS fails
	Validates Answer // its resolver does, by DNSSEC
	DANE      Answer // a broken promise stops it
	Lenient   Answer // it uses TLSA records behind an unsigned MX record
	DANEAlone Answer // and it sends nowhere else
	MTASTS    Answer // a broken promise stops it
	PKIX      Answer // it wants a trusted certificate everywhere, for the name of the mail server
	Domain    Answer // for the name of the mail domain

	PostQuantum Answer // it offers a post-quantum key exchange
	Modern      Answer // it offers TLS 1.3
	Reports     Answer // it sends TLS reports
}

// factsOf reads the outcomes, and the hellos of the sender.
func factsOf(v *View, e *Evidence) Facts {
	f := Facts{Reports: v.Reports}
	is := func(t Trap, fates ...Fate) bool { return slices.Contains(fates, v.Of(t).Fate) }
	f.Encrypts = answer(is(Plain, Encrypted) || is(Plain, Refused) && is(Cleartext, Refused), is(Plain, InClear))
	f.Insists = answer(is(Cleartext, Refused), is(Cleartext, InClear))
	f.FallsBack = answer(is(Broken, InClear) || is(TempFail, InClear), is(Broken, Refused) && !is(TempFail, Waiting, InClear))
	f.Validates = answer(is(Bogus, Refused), is(Bogus, InClear, Encrypted))

	stopped := is(DANEBad, Refused) && v.Of(DANEBad).AskedTLSA
	f.DANE = answer(is(DANE, Encrypted) && stopped, is(DANEBad, InClear, Encrypted) || is(DANE, Refused))
	if f.DANE == Yes {
		f.Lenient = answer(is(DANEInsecure, Refused), is(DANEInsecure, InClear, Encrypted))
		f.DANEAlone = answer(is(Plain, Refused), is(Plain, InClear, Encrypted))
	}
	fetched := v.Of(STSCert).Fetched
	f.MTASTS = answer(is(STS, Encrypted) && is(STSCert, Refused) && fetched,
		is(STSCert, InClear, Encrypted) || is(STSCert, Refused) && !fetched || is(STS, Refused))
	f.PKIX = answer(is(SelfSigned, Refused) && is(WrongName, Refused), is(SelfSigned, InClear, Encrypted) || is(WrongName, InClear, Encrypted))
	if f.DANEAlone == Yes {
		f.PKIX, f.MTASTS = No, No // what it does not send it keeps back for another reason
	}
	f.Domain = No
	if f.PKIX == Yes {
		f.Domain = answer(is(Plain, Refused) && is(STS, Encrypted), is(Plain, Encrypted))
	}
	f.hellos(v, e)
	return f
}

// hellos are what the server offers in TLS.
func (f *Facts) hellos(v *View, e *Evidence) {
	for _, s := range e.Sessions {
		if s.Hello == nil || !slices.Contains(v.Clients, s.From) {
			continue
		}
		f.PostQuantum = max(f.PostQuantum, answer(slices.ContainsFunc(s.Hello.Groups, postQuantum), true))
		f.Modern = max(f.Modern, answer(slices.Contains(s.Hello.Versions, tls13), true))
	}
}

// reports looks whether the sender reports. Without a message there was nothing to report of.
func (w *weighing) reports(now time.Time) {
	switch {
	case len(w.e.Reports) > 0:
		w.view.Reports, w.view.Reported = Yes, w.e.Reports[0].At
	case w.e.RUA != "" && len(w.view.Clients) > 0 && now.After(w.e.Ends.Add(Reported)):
		w.view.Reports = No
	}
}

func answer(yes, no bool) Answer {
	switch {
	case yes:
		return Yes
	case no:
		return No
	}
	return Unknown
}

const tls13 = 0x0304

// postQuantum reports whether a group is one of ML-KEM, alone or beside an older one.
func postQuantum(group uint16) bool {
	switch group {
	case 0x0200, 0x0201, 0x0202, 0x11eb, 0x11ec, 0x11ed: // MLKEM512 to 1024; with P-256, X25519, P-384
		return true
	}
	return false
}

// Row is the kind of sender: a row of the table of senders and attackers.
type Row string

const (
	RowUnknown  Row = "unknown"
	RowClear    Row = "cleartext"    // never encrypts
	RowOrdinary Row = "ordinary"     // encrypts where it can, checks nothing
	RowEncrypts Row = "encrypts"     // encrypts always, checks nothing
	RowStrict   Row = "dane"         // DANE, as RFC 7672 has it
	RowLenient  Row = "dane-lenient" // and behind unsigned MX records
	RowDANEOnly Row = "dane-only"    // DANE or nothing
	RowMTASTS   Row = "mta-sts"
	RowBoth     Row = "dane-mta-sts"
	RowPKIX     Row = "pkix"        // a trusted certificate for the name of the mail server, always
	RowDomain   Row = "pkix-domain" // for the name of the mail domain
)

// Row is the row of a sender with these facts.
func (f Facts) Row() Row {
	switch {
	case f.Encrypts == No:
		return RowClear
	case f.DANE == Yes && f.MTASTS == Yes:
		return RowBoth
	case f.DANEAlone == Yes:
		return RowDANEOnly
	case f.DANE == Yes && f.Lenient == Yes:
		return RowLenient
	case f.DANE == Yes:
		return RowStrict
	case f.PKIX == Yes && f.Domain == Yes:
		return RowDomain
	case f.MTASTS == Yes:
		return RowMTASTS
	case f.PKIX == Yes && f.Domain == No:
		return RowPKIX
	case f.Encrypts == Unknown:
		return RowUnknown
	case f.Insists == Yes:
		return RowEncrypts
	}
	return RowOrdinary
}
