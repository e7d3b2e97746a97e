package report

import (
	"reflect"
	"slices"
	"strings"
)

// maxForeign bounds one text of a report that somebody else has written, in octets.
const maxForeign = 64 << 10

// CleanAll makes a report that came from elsewhere fit to be judged and shown, as if its texts
// had just been met on the network: every one of them is cleaned (see Clean), and what is named
// in a list and not there is left out. Policy files keep their lines.
func (r *Report) CleanAll() { cleanAll(reflect.ValueOf(r).Elem()) }

// lined are the fields whose texts have lines.
var lined = []string{"Raw", "SecondRaw", "Code"}

func cleanAll(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			cleanAll(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			switch f := v.Field(i); {
			case !field.IsExported(): // of time.Time
			case f.Kind() == reflect.String && slices.Contains(lined, field.Name):
				lines := strings.Split(f.String(), "\n")
				for i := range lines {
					lines[i] = Clean(lines[i], maxForeign)
				}
				f.SetString(strings.Join(lines, "\n"))
			default:
				cleanAll(f)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return // octets, which are shown nowhere as they are
		}
		kept := 0
		for i := range v.Len() {
			if e := v.Index(i); e.Kind() != reflect.Pointer || !e.IsNil() {
				cleanAll(e)
				v.Index(kept).Set(e)
				kept++
			}
		}
		v.SetLen(kept)
	case reflect.Map:
		for _, key := range v.MapKeys() {
			k, e := reflect.New(key.Type()).Elem(), reflect.New(v.Type().Elem()).Elem()
			k.Set(key)
			e.Set(v.MapIndex(key))
			cleanAll(k)
			cleanAll(e)
			v.SetMapIndex(key, reflect.Value{})
			v.SetMapIndex(k, e)
		}
	case reflect.String:
		v.SetString(Clean(v.String(), maxForeign))
	}
}
