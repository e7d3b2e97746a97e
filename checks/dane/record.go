package dane

import (
	"encoding/hex"
	"fmt"
	"slices"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
)

// strongest says which records are in force: of the digests published for one usage and
// selector a client uses only the strongest, and full data always (RFC 7671 §9).
func strongest(records []report.TLSARecord) []bool {
	inForce := make([]bool, len(records))
	for i, r := range records {
		inForce[i] = r.Usable && (r.Matching == 0 || !slices.ContainsFunc(records, func(other report.TLSARecord) bool {
			return other.Usable && other.Usage == r.Usage && other.Selector == r.Selector && other.Matching > r.Matching
		}))
	}
	return inForce
}

// presentation writes a record as in a zone file; long data is cut.
func presentation(r report.TLSARecord) string {
	data := r.Data
	if len(data) > 128 {
		data = fmt.Sprintf("%s… (%d octets)", data[:32], len(data)/2)
	}
	return fmt.Sprintf("%d %d %d %s", r.Usage, r.Selector, r.Matching, data)
}

// fault says why a mail server cannot use a record, or nothing (RFC 7672 §3.1, RFC 6698 §4.1).
func fault(r report.TLSARecord) report.Unusable {
	data, err := hex.DecodeString(r.Data)
	switch {
	case r.Usage < 2:
		return report.UnusablePKIXUsage
	case r.Usage > 3:
		return report.UnusableUnknownUsage
	case r.Selector > 1:
		return report.UnusableUnknownSelector
	case r.Matching > 2:
		return report.UnusableUnknownMatching
	case err != nil:
		return report.UnusableUndecodable
	case r.Matching == 1 && len(data) != 32, r.Matching == 2 && len(data) != 64:
		return report.UnusableLength
	case r.Matching != 0:
		return ""
	case r.Selector == 0:
		c, err := pkix.Read(data)
		if err != nil || c.Key.Kind == "" {
			return report.UnusableUndecodable
		}
	case pkix.ReadKey(data).Kind == "":
		return report.UnusableUndecodable
	}
	return ""
}

// kind is what a sender must support to use a record.
type kind struct{ usage, selector, matching uint8 }

func kindOf(r report.TLSARecord) kind { return kind{r.Usage, r.Selector, r.Matching} }

func (k kind) String() string { return fmt.Sprintf("%d %d %d", k.usage, k.selector, k.matching) }

// count returns how many usable records have that usage.
func count(records []report.TLSARecord, usage uint8) int {
	n := 0
	for _, r := range records {
		if r.Usable && r.Usage == usage {
			n++
		}
	}
	return n
}
