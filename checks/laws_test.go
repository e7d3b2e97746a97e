package checks_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"mxseal/checks"
	"mxseal/checks/report"
)

// derived calls change for every field of a value that is derived from others. A certificate that
// was not kept is evidence as it stands: nothing can be derived from it.
func derived(v reflect.Value, change func(name string, field reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			derived(v.Elem(), change)
		}
	case reflect.Slice:
		for i := range v.Len() {
			derived(v.Index(i), change)
		}
	case reflect.Struct:
		if c, is := v.Interface().(report.Certificate); is && c.Path == nil {
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			switch {
			case f.Tag.Get("derived") != "":
				change(v.Type().Name()+"."+f.Name, v.Field(i))
			case f.IsExported():
				derived(v.Field(i), change)
			}
		}
	}
}

// disturbed puts something else into a field.
func disturbed(_ string, f reflect.Value) {
	switch f.Kind() {
	case reflect.String:
		f.SetString("secure, of course")
	case reflect.Bool:
		f.SetBool(!f.Bool())
	case reflect.Int, reflect.Int64:
		f.SetInt(f.Int() + 7)
	case reflect.Struct:
		for i := range f.NumField() {
			disturbed("", f.Field(i))
		}
	default:
		f.SetZero()
	}
}

// The law of the house: the evidence alone gives the same conclusions, and what a file says of a
// derived field changes nothing.
func TestConclusionsFollowFromTheEvidence(t *testing.T) {
	met := make(map[string]bool)
	for _, d := range everyDomain(t) {
		r := stored(t, d.report)
		want := text(t, r)
		for what, change := range map[string]func(string, reflect.Value){
			"without what is derived":   func(_ string, f reflect.Value) { f.SetZero() },
			"with something else in it": disturbed,
		} {
			again := stored(t, r)
			again.Conclusions = report.Conclusions{}
			derived(reflect.ValueOf(&again.Evidence), func(name string, f reflect.Value) { met[name] = true; change(name, f) })
			again.Conclusions = checks.Judge(again.Meta, again.Evidence)
			checks.Explain(again)
			if got := text(t, again); got != want {
				t.Errorf("%s, %s: %s", d.Name, what, difference(want, got))
			}
		}
	}
	if len(met) < 20 {
		t.Errorf("only these fields are derived: %v", met)
	}
}

func text(t *testing.T, r *report.Report) string {
	t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// difference shows where two texts begin to differ.
func difference(want, got string) string {
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	from := max(i-120, 0)
	return "want …" + want[from:min(i+120, len(want))] + "…\n\tgot …" + got[from:min(i+120, len(got))]
}
