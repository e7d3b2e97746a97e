package starttls

import (
	"regexp"
	"strings"

	"mxseal/checks/internal/smtp"
)

// enforced reads the reply to MAIL in clear by its meaning: any refusal whose words ask for
// TLS. Nil when it is unclear. A 530 is the code for it (RFC 3207 §4), which servers also use
// to ask for a password (RFC 4954 §6).
func enforced(r smtp.Reply) *bool {
	var yes bool
	switch text := words(r); {
	case r.Code == 250:
	case r.Code/100 != 4 && r.Code/100 != 5:
		return nil
	case asksForTLS(text), r.Code == 530 && !login.MatchString(text), encryptionNeeded.MatchString(r.String()):
		yes = true
	default:
		return nil
	}
	return &yes
}

var (
	// encryptionNeeded is an enhanced status code (RFC 5248, X.7.10).
	encryptionNeeded = regexp.MustCompile(`\b[45]\.7\.10\b`)
	login            = regexp.MustCompile(`\b(authenticat\w*|auth|log ?in|password)\b`)

	// A name of what is asked for, what asks for it, and what turns that around. None of
	// them looks beyond the end of a clause.
	secrecy  = `(?:starttls|tls|ssl|ssl/tls|tls/ssl|encrypt(?:ed|ion)|secured? (?:connection|session|channel|transport|communication)s?)`
	between  = `[^.;,:!?()]{0,60}?`
	required = regexp.MustCompile(`\b` + secrecy + `\b(` + between + `)\b(?:required|requirement|mandatory|needed|necessary|obligatory|compulsory|enforced|expected|demanded|first|only|must be (?:used|enabled|established|negotiated|started|issued|active))\b`)
	demands  = regexp.MustCompile(`((?:\S+ ){0,3})\b(?:must|requir(?:e|es|ing)|needs?|use|using|issue|start|enable|only|demands?|insists?|expects?|upgrade to|switch to|turn on|please|without)\b(` + between + `)\b` + secrecy + `\b`)
	lacking  = regexp.MustCompile(`\b(?:not|never|wasn't|isn't|weren't|aren't|hasn't|didn't) (?:\S+ ){0,3}(?:over|via|through|by|using|under|with) (?:\S+ ){0,3}` + secrecy + `\b|\b(?:not|isn't|wasn't) (?:been )?(?:encrypted|secured?)\b|\bencryption (?:is )?too weak\b|\bno (?:tls|ssl|encryption),? no\b`)
	exposed  = `(?:un-?encrypted|non-?(?:tls|ssl|encrypted|secure)|plain[- ]?text|clear[- ]?text|insecure|unsecured?|in (?:the )?clear)`
	barred   = regexp.MustCompile(`\b` + exposed + `\b` + between + `\b(?:refused?|reject(?:ed|s)?|denied|prohibited|disallowed|forbidden|blocked|disabled|(?:not|never|longer) (?:be )?(?:accepted|allowed|permitted|supported|possible|welcome))\b`)
	bars     = regexp.MustCompile(`\b(?:no|refus(?:e|es|ing)|reject(?:s|ing)?|den(?:y|ies|ying)|(?:not|never|don't|won't|doesn't|cannot|can't) (?:accept|allow|permit|take|support)(?:ed)?)\b` + between + `\b` + exposed + `\b`)

	turned     = regexp.MustCompile(`\b(?:not|no|never|nor|neither|don't|doesn't|isn't|needn't|mustn't|optional|irrelevant|unavailable|failed|failure)\b`)
	ofPassword = regexp.MustCompile(exposed + ` (?:password|auth|login)`)
)

// asksForTLS reports whether a refusal asks for an encrypted connection.
func asksForTLS(text string) bool {
	if ofPassword.MatchString(text) {
		return false
	}
	if lacking.MatchString(text) || barred.MatchString(text) || bars.MatchString(text) {
		return true
	}
	for _, m := range required.FindAllStringSubmatch(text, -1) {
		if !turned.MatchString(m[1]) {
			return true
		}
	}
	for _, m := range demands.FindAllStringSubmatch(text, -1) {
		if !turned.MatchString(m[2]) && (!turned.MatchString(m[1]) || strings.Contains(m[0], "without")) {
			return true
		}
	}
	return false
}

// words are those of a reply, in small letters: without its codes, and without what only looks
// like a word, such as names of hosts, addresses and references.
func words(r smtp.Reply) string {
	var list []string
	for word := range strings.FieldsSeq(strings.ToLower(strings.Join(r.Lines, " "))) {
		word = strings.ReplaceAll(word, "’", "'")
		bare := strings.Trim(word, ".,;:!?()[]<>\"'#*-“”")
		switch {
		case version.MatchString(bare):
			word = strings.Replace(word, bare, "tls", 1)
		case strings.ContainsAny(bare, "@") || strings.Contains(bare, "://") || strings.Contains(bare, ".") || strings.Contains(bare, "rpt") || strings.Contains(bare, "report"):
			continue
		case strings.HasPrefix(bare, "tls-") || strings.HasPrefix(bare, "ssl-") || strings.HasPrefix(bare, "encrypted-"):
			word = strings.Replace(word, "-", " ", 1)
		case bare == "start-tls":
			word = strings.Replace(word, bare, "starttls", 1)
		}
		list = append(list, strings.Trim(word, "()[]<>\"'#*“”"))
	}
	return strings.ReplaceAll(strings.Join(list, " "), "start tls", "starttls")
}

var version = regexp.MustCompile(`^(?:tls|ssl)[ /-]?v?[1-3](?:\.[0-3])?\+?$`)
