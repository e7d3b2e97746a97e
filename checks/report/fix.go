package report

import "slices"

// Fix is one change that an owner or an operator can make; it may fix what several rules found.
// What it is called, what it asks of somebody and its steps: package fix.
type Fix string

const (
	CorrectMX          Fix = "correct-mx"          // the MX records
	OfferSTARTTLS      Fix = "offer-starttls"      // at the mail servers
	LimitTLS           Fix = "limit-tls"           // to the versions, suites and groups of today
	AskNoCertificate   Fix = "ask-no-certificate"  // of senders
	UpdateLibrary      Fix = "update-library"      // for TLS
	UpdateServer       Fix = "update-server"       // the mail server, or the device in front of it
	ReplaceCertificate Fix = "replace-certificate" // of a mail server
	CorrectSignatures  Fix = "correct-signatures"  // that do not hold
	Sign               Fix = "sign"                // a zone
	CorrectSigning     Fix = "correct-signing"     // of a zone whose signatures hold
	AnswerTLSA         Fix = "answer-tlsa"         // for the names of TLSA records
	MoveToDANE         Fix = "move-to-dane"        // to a mail server that has it
	PublishTLSA        Fix = "publish-tlsa"        // the records
	AskForReports      Fix = "ask-for-reports"     // of failed TLS
	ServePolicy        Fix = "serve-policy"        // of MTA-STS

	AsSaid Fix = "as-said" // what Rule.FixText says, and nothing that other rules share
	NoFix  Fix = "none"    // nothing is known that an owner could do
)

// Way is how a fix is made for a rule, where that is not its usual way.
type Way string

const (
	NameGuessed       Way = "name-guessed"        // CorrectMX: the one that senders had to guess
	DropNullMX        Way = "drop-null"           // CorrectMX: the record that refuses all mail
	NameTarget        Way = "name-target"         // CorrectMX: of an alias
	DropAddress       Way = "drop-address"        // CorrectMX: one that nobody can reach
	StopInspection    Way = "stop-inspection"     // OfferSTARTTLS: by a firewall
	NewKey            Way = "new-key"             // ReplaceCertificate: with another key
	SignAddress       Way = "sign-address"        // Sign: the zone of a mail server's address
	SignAnew          Way = "sign-anew"           // Sign: with keys that nobody else has
	BetterDS          Way = "better-ds"           // CorrectSigning: the DS record
	RollKey           Way = "roll-key"            // CorrectSigning: to a better one
	PlainDenials      Way = "plain-denials"       // CorrectSigning: hash names once, without salt
	SignAgain         Way = "sign-again"          // CorrectSigning: before the signatures end
	ReplaceAlias      Way = "replace-alias"       // PublishTLSA: that stands in the place of the records
	DropUnfit         Way = "drop-unfit"          // PublishTLSA: records of a kind of which none fits
	KeyNotCertificate Way = "key-not-certificate" // PublishTLSA: in place of what the next renewal ends
	RecordAlone       Way = "record-alone"        // ServePolicy: the file is good
	ServeAgain        Way = "serve-again"         // ServePolicy: the file cannot be fetched
	CertifyHost       Way = "certify-host"        // ServePolicy: the host of the policy
	PlainText         Way = "plain-text"          // ServePolicy: by its type
	NameInPolicy      Way = "name-in-policy"      // ServePolicy: one more mail server
)

// Setting is one thing that the configuration of a mail server decides.
type Setting string

const (
	SetSTARTTLS          Setting = "set-starttls"
	SetCertificate       Setting = "set-certificate"
	SetVersions          Setting = "set-versions"
	SetSuites            Setting = "set-suites"
	SetOrder             Setting = "set-order" // of suites and groups
	SetGroups            Setting = "set-groups"
	SetSignatures        Setting = "set-signatures" // within the handshake
	SetCompression       Setting = "set-compression"
	SetClientCertificate Setting = "set-client-certificate"
)

// Settings are all of them, in the order in which a configuration has them.
var Settings = []Setting{SetSTARTTLS, SetCertificate, SetVersions, SetSuites, SetOrder, SetGroups, SetSignatures, SetCompression, SetClientCertificate}

// Catalogue holds every rule by its id.
type Catalogue map[string]Rule

// Fixable reports whether something can be done about a finding that may move the letter: its
// rule names a fix, and there are facts that hold afterwards, or a limit that goes.
func (c Catalogue) Fixable(f Finding) bool {
	rule := c[f.Rule]
	if rule.Fix == "" || rule.Fix == NoFix || f.Verdict == Pass || f.Verdict == Untested {
		return false
	}
	return len(f.Fixed) > 0 || len(rule.Opens) > 0 || slices.ContainsFunc(f.Effects, Effect.Limits)
}

// After are the facts that hold once a finding is fixed, in place of its effects.
func (c Catalogue) After(f Finding) []Effect {
	if len(f.Fixed) == 0 {
		return c[f.Rule].Opens
	}
	return f.Fixed
}
