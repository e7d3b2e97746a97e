package records

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/miekg/dns"
)

// Syntax is a way of writing records.
type Syntax string

// The syntaxes.
const (
	Zone       Syntax = "zone"       // a zone file (RFC 1035 §5)
	Nsupdate   Syntax = "nsupdate"   // orders for nsupdate, which finds the zone by itself
	DNSControl Syntax = "dnscontrol" // JavaScript that adds to a zone of DNSControl
	OctoDNS    Syntax = "octodns"    // YAML for the file of a zone
	Terraform  Syntax = "terraform"  // HCL with aws_route53_record; what other providers want is in it
)

// Syntaxes are all of them, in the order in which they are offered.
var Syntaxes = []Syntax{Zone, Nsupdate, DNSControl, OctoDNS, Terraform}

// Do is what is to be done with records.
type Do string

// What is done.
const (
	Add     Do = "add"
	Replace Do = "replace" // all of their names and types
	Delete  Do = "delete"
)

// Change writes a change of records in a syntax, as Write does. Where a file says what there is, and not
// what to do (all but nsupdate), the new entry of a name takes the place of the one before, and nothing
// can be written that deletes: the text is empty.
func Change(do Do, syntax Syntax, zone string, list []Record) (string, error) {
	switch {
	case do != Add && do != Replace && do != Delete:
		return "", fmt.Errorf("%q is nothing to do with records", do)
	case syntax == Nsupdate:
		var b strings.Builder
		writeUpdate(&b, do, list)
		return b.String(), nil
	case do == Delete:
		return "", nil
	}
	return Write(syntax, zone, list)
}

// Write writes records in a syntax. zone names the zone that they stand in; empty: the registrable
// domain of each name. The error names a type that the syntax has no word for.
func Write(syntax Syntax, zone string, list []Record) (string, error) {
	var b strings.Builder
	switch syntax {
	case Zone:
		writeZone(&b, list)
	case Nsupdate:
		writeUpdate(&b, Add, list)
	default:
		for _, r := range list {
			if fieldsOf(r) == nil {
				return "", fmt.Errorf("there is no form of a record of type %s for %s", r.kind(), syntax)
			}
		}
		for i, z := range zones(zone, list) {
			if i > 0 {
				b.WriteString("\n")
			}
			switch syntax {
			case DNSControl:
				writeControl(&b, z)
			case OctoDNS:
				writeOcto(&b, z)
			case Terraform:
				writeTerraform(&b, z)
			default:
				return "", fmt.Errorf("%q is no syntax for records", syntax)
			}
		}
	}
	return b.String(), nil
}

func writeZone(b *strings.Builder, list []Record) {
	for _, r := range list {
		if r.Note != "" {
			fmt.Fprintf(b, "; %s\n", r.Note)
		}
		fmt.Fprintln(b, r)
	}
}

func writeUpdate(b *strings.Builder, do Do, list []Record) {
	if do == Replace {
		for _, s := range sets(list) {
			fmt.Fprintf(b, "update delete %s. %s\n", s[0].name(), s[0].kind())
		}
	}
	for _, r := range list {
		if r.Note != "" {
			fmt.Fprintf(b, "; %s\n", r.Note)
		}
		if do == Delete { // of that data, whatever its TTL (RFC 2136 §2.5.4)
			fmt.Fprintf(b, "update delete %s. %s %s\n", r.name(), r.kind(), r.data())
			continue
		}
		fmt.Fprintf(b, "update add %s\n", r)
	}
	b.WriteString("send\n")
}

// writeControl writes an extension of a zone that is configured already, so that its registrar and
// providers stay where they are.
func writeControl(b *strings.Builder, z zone) {
	fmt.Fprintf(b, "D_EXTEND(%s,\n", quoted(z.name))
	for i, r := range z.list {
		if r.Note != "" {
			fmt.Fprintf(b, "  // %s\n", r.Note)
		}
		fmt.Fprintf(b, "  %s(%s", r.kind(), quoted(z.relative(r.name(), "@")))
		for _, f := range fieldsOf(r) {
			if f.control {
				fmt.Fprintf(b, ", %s", f.js())
			}
		}
		end := ","
		if i == len(z.list)-1 {
			end = "" // a final comma is an empty argument to older versions
		}
		fmt.Fprintf(b, ", TTL(%d))%s\n", r.header().Ttl, end)
	}
	b.WriteString(");\n")
}

// writeOcto writes what belongs into the file of the zone. One name has one entry: of several types
// that is a list.
func writeOcto(b *strings.Builder, z zone) {
	fmt.Fprintf(b, "# %s.yaml\n", z.name)
	var names []string
	types := make(map[string][]set)
	for _, s := range sets(z.list) {
		name := s[0].name()
		if types[name] == nil {
			names = append(names, name)
		}
		types[name] = append(types[name], s)
	}
	for _, name := range names {
		fmt.Fprintf(b, "%s:\n", quoted(z.relative(name, "")))
		first, indent := "  ", "  "
		if len(types[name]) > 1 {
			first, indent = "  - ", "    "
		}
		for _, s := range types[name] {
			fmt.Fprintf(b, "%sttl: %d\n%stype: %s\n", first, s[0].header().Ttl, indent, s[0].kind())
			writeOctoValues(b, indent, s)
		}
	}
}

func writeOctoValues(b *strings.Builder, indent string, s set) {
	if s[0].kind() == "CNAME" { // of which there is one
		fmt.Fprintf(b, "%svalue: %s\n", indent, fieldsOf(s[0])[0].yaml())
		return
	}
	fmt.Fprintf(b, "%svalues:\n", indent)
	for _, r := range s {
		if r.Note != "" {
			fmt.Fprintf(b, "%s# %s\n", indent, r.Note)
		}
		lead := indent + "- "
		for _, f := range fieldsOf(r) {
			if f.octo == "" {
				fmt.Fprintf(b, "%s%s\n", lead, f.yaml())
			} else {
				fmt.Fprintf(b, "%s%s: %s\n", lead, f.octo, f.yaml())
			}
			lead = indent + "  "
		}
	}
}

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9]+`)

// writeTerraform writes one resource a name and type, as Terraform's own formatter would.
func writeTerraform(b *strings.Builder, z zone) {
	zoneName := strings.ToLower(notInNames.ReplaceAllString(z.name, "_"))
	for i, s := range sets(z.list) {
		if i > 0 {
			b.WriteString("\n")
		}
		id := strings.ToLower(strings.Trim(notInNames.ReplaceAllString(s[0].name(), "_"), "_") + "_" + s[0].kind())
		fmt.Fprintf(b, "resource \"aws_route53_record\" %s {\n", quoted("mail_"+id))
		fmt.Fprintf(b, "  zone_id = aws_route53_zone.%s.zone_id\n  name    = %s\n  type    = %s\n  ttl     = %d\n  records = [\n",
			zoneName, quoted(s[0].name()), quoted(s[0].kind()), s[0].header().Ttl)
		for _, r := range s {
			if r.Note != "" {
				fmt.Fprintf(b, "    # %s\n", r.Note)
			}
			data := r.data()
			if txt, ok := r.rr.(*dns.TXT); ok {
				data = strings.Join(txt.Txt, `" "`) // the provider puts the outer quotes itself
			}
			fmt.Fprintf(b, "    %s,\n", escapedHCL(data))
		}
		b.WriteString("  ]\n}\n")
	}
}

// escapedHCL is a string of HCL, in which ${ and %{ would begin a template.
func escapedHCL(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(quoted(text))
}

// quoted is a string literal as JSON, JavaScript and YAML have it, without escapes for HTML.
func quoted(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSpace(b.String())
}
