package report

import "testing"

// What a parameter was called when a report was stored still fills its sentence.
func TestAFormerNameOfAParameter(t *testing.T) {
	f := Finding{Params: map[string]string{"mend": "Sign it."}}
	if f.Explain(Rule{FixText: "{fix} Soon."}, "example.org", nil); f.FixText != "Sign it. Soon." {
		t.Errorf("%q", f.FixText)
	}
	f.Params["fix"] = "Sign it again."
	if f.Explain(Rule{FixText: "{fix}"}, "example.org", nil); f.FixText != "Sign it again." {
		t.Errorf("%q", f.FixText)
	}
}
