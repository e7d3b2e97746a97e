package templates

import (
	"fmt"
	"regexp"
	"strings"

	"mxseal/checks/report"
)

// outcomeWord is an outcome in one or two words, outcomeText in a sentence.
func outcomeWord(o report.Outcome) string {
	switch o {
	case report.Auth:
		return "Protected"
	case report.Enc:
		return "Encrypted"
	case report.Defer:
		return "Held back"
	case report.Clear:
		return "Readable"
	case report.Stolen:
		return "Diverted"
	}
	return "Unknown"
}

func outcomeText(o report.Outcome) string {
	switch o {
	case report.Auth:
		return "Delivered encrypted, and the sender made sure that it was your server."
	case report.Enc:
		return "Delivered encrypted to your server, though the sender could not be sure that it was yours."
	case report.Defer:
		return "The sender notices and keeps the mail or returns it. Nobody reads it."
	case report.Clear:
		return "Delivered to your server, readable for everyone on the way."
	case report.Stolen:
		return "Delivered to the attacker, who can read it, change it and pass it on."
	}
	return ""
}

// outcomeClass is the style and the symbol of an outcome.
func outcomeClass(o report.Outcome) string {
	switch o {
	case report.Auth, report.Enc, report.Defer, report.Clear, report.Stolen:
		return strings.ToLower(string(o))
	}
	return "unknown"
}

func verdictWord(v report.Verdict) string {
	switch v {
	case report.Pass:
		return "Good"
	case report.Info:
		return "Note"
	case report.Warn:
		return "Weak"
	case report.Fail:
		return "Fault"
	case report.Untested:
		return "Not tested"
	}
	return "Not looked at"
}

func verdictClass(v report.Verdict) string {
	switch v {
	case report.Pass, report.Info, report.Warn, report.Fail, report.Untested:
		return string(v)
	}
	return "none"
}

// gradeClass is the colour of a letter.
func gradeClass(l report.Letter) string {
	switch l {
	case "A+", "A":
		return "grade-a"
	case "B", "C", "D", "E", "F":
		return "grade-" + strings.ToLower(string(l))
	}
	return "grade-none"
}

func gradeLabel(l report.Letter) string {
	switch l {
	case "A+":
		return "Grade A plus"
	case "T":
		return "No grade (T)"
	case "N":
		return "No grade: takes no mail"
	case "?":
		return "No grade"
	}
	return "Grade " + string(l)
}

func sealLabel(l report.Letter, provisional bool) string {
	if provisional {
		return gradeLabel(l) + ", provisional"
	}
	return gradeLabel(l)
}

func brokenText(policy string) string {
	switch policy {
	case "dane":
		return "The published TLSA records promise a key that your servers do not have."
	case "sts":
		return "The MTA-STS policy demands what your servers do not fulfil."
	case "dnssec":
		return "The signatures in the DNS do not validate: who checks them cannot even find your servers."
	}
	return policy
}

// badgeName is a merit as people are told of it.
func badgeName(badge string) string {
	switch badge {
	case "PQ":
		return "Post-quantum"
	case "reports":
		return "TLS reports"
	}
	return badge
}

func badgeText(badge string) string {
	switch badge {
	case "DANE":
		return "senders that check it cannot be fooled"
	case "MTA-STS":
		return "senders that check it cannot be fooled on the wire"
	case "TLS enforced":
		return "takes no mail without TLS"
	case "REQUIRETLS":
		return "passes mail on only where it stays protected"
	case "PQ":
		return "the key exchange withstands quantum computers"
	case "reports":
		return "senders report failed TLS"
	}
	return ""
}

// effectWord says how a rule touches the grade.
func effectWord(e report.Effect) string {
	if letter, ok := e.Cap(); ok {
		return "grade " + string(letter) + " at best"
	}
	if name, value, ok := e.Fact(); ok {
		return factWord(name) + ": " + value
	}
	if letter, _, ok := e.NoGrade(); ok {
		return "no grade (" + string(letter) + ")"
	}
	switch e {
	case report.NoAPlus:
		return "no A+"
	case report.Provisional:
		return "provisional grade"
	}
	return string(e)
}

func factWord(name string) string {
	switch name {
	case "D.mxdns":
		return "DNSSEC of the MX"
	case "D.sts":
		return "MTA-STS policy"
	case "D.stsLong":
		return "MTA-STS policy kept for a day or more"
	case "D.rpt":
		return "TLS reports asked for"
	case "M.pref":
		return "preference"
	case "M.reach":
		return "reachable"
	case "M.addr":
		return "DNSSEC of the addresses"
	case "M.tlsa":
		return "TLSA"
	case "M.tls":
		return "TLS"
	case "M.forced":
		return "TLS enforced"
	case "M.pkix":
		return "publicly trusted certificate"
	case "M.sts":
		return "host in the policy"
	case "M.rtls":
		return "REQUIRETLS"
	}
	return name
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// general reads a rule's text without a finding: {host} becomes ‹host›.
func general(text string) string { return placeholder.ReplaceAllString(text, "‹$1›") }

// version writes a protocol version as people do: TLS1.3 is TLS 1.3.
func version[V ~string](v V) string {
	for _, name := range []string{"TLS", "SSL"} {
		if n, ok := strings.CutPrefix(string(v), name); ok && n != "" {
			return name + " " + strings.TrimSpace(n)
		}
	}
	return string(v)
}

// algorithm names a DNSSEC algorithm (IANA registry).
func algorithm(n uint8) string {
	switch n {
	case 1:
		return "RSAMD5"
	case 3:
		return "DSA"
	case 5, 7:
		return "RSASHA1"
	case 8:
		return "RSASHA256"
	case 10:
		return "RSASHA512"
	case 12:
		return "GOST"
	case 13:
		return "ECDSAP256"
	case 14:
		return "ECDSAP384"
	case 15:
		return "Ed25519"
	case 16:
		return "Ed448"
	}
	return fmt.Sprintf("algorithm %d", n)
}

// digestType names a DS digest (IANA registry).
func digestType(n uint8) string {
	switch n {
	case 1:
		return "SHA-1"
	case 2:
		return "SHA-256"
	case 4:
		return "SHA-384"
	}
	return fmt.Sprintf("digest %d", n)
}

func keyText(k report.Key) string {
	role := "ZSK"
	if k.SEP {
		role = "KSK"
	}
	return fmt.Sprintf("%s %d, %s, %d bit", role, k.Tag, algorithm(k.Algorithm), k.Bits)
}

func stateVerdict(s report.State) report.Verdict {
	switch s {
	case report.Secure:
		return report.Pass
	case report.Bogus:
		return report.Fail
	case report.Insecure:
		return report.Info
	}
	return report.Untested
}

func stateWord(s report.State) string {
	switch s {
	case report.Secure:
		return "signed and valid"
	case report.Insecure:
		return "not signed"
	case report.Bogus:
		return "signature wrong"
	case report.Indeterminate:
		return "could not be told"
	}
	return "not looked at"
}

func zoneName(z string) string {
	if z == "" || z == "." {
		return "the root"
	}
	return strings.TrimSuffix(z, ".")
}

// yesNo writes an answer that may be missing.
func yesNo(b *bool) string {
	switch {
	case b == nil:
		return "not looked at"
	case *b:
		return "yes"
	}
	return "no"
}

// duration writes seconds as the largest whole unit.
func duration(seconds int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"day", 86400}, {"hour", 3600}, {"minute", 60}} {
		if seconds >= u.size && seconds%u.size == 0 {
			return plural(int(seconds/u.size), u.name)
		}
	}
	return plural(int(seconds), "second")
}

// capital begins a word of ours with a capital letter.
func capital(word string) string {
	first := min(len(word), 1)
	return strings.ToUpper(word[:first]) + word[first:]
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
