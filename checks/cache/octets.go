package cache

import (
	"reflect"
	"sync"
	"time"
	"unsafe"
)

// Octets is how much memory a value takes with all that it refers to, each thing once: what a
// pointer, a slice or a text leads to counts, as it lives as long as the value does. A text
// that several share counts for each of them, so that it is rather too much than too little.
func Octets(v any) int {
	if v == nil {
		return 0
	}
	var s scale
	r := reflect.ValueOf(v)
	return int(r.Type().Size()) + s.behind(r)
}

// scale remembers what it has weighed already.
type scale struct{ seen map[unsafe.Pointer]bool }

const (
	perText = 16 // octets by which the allocator rounds up, on average
	perMap  = 64 // octets of a map beside its slots, of which there are eight at least, and a power of two
)

// behind is what a value refers to, without the octets of the value itself.
func (s *scale) behind(v reflect.Value) (n int) {
	if !refers(v.Type()) {
		return 0
	}
	switch v.Kind() {
	case reflect.String:
		if v.Len() > 0 {
			n = v.Len() + perText
		}
	case reflect.Pointer:
		if v.IsNil() || !s.first(v.UnsafePointer()) {
			return 0
		}
		n = int(v.Type().Elem().Size()) + perText + s.behind(v.Elem())
	case reflect.Interface:
		if !v.IsNil() {
			n = int(v.Elem().Type().Size()) + s.behind(v.Elem())
		}
	case reflect.Slice:
		if v.Cap() == 0 || !s.first(v.UnsafePointer()) {
			return 0
		}
		n = v.Cap()*int(v.Type().Elem().Size()) + perText + s.each(v)
	case reflect.Array:
		n = s.each(v)
	case reflect.Map:
		if v.IsNil() || !s.first(v.UnsafePointer()) {
			return 0
		}
		slots := 8
		for slots*7/8 < v.Len() && v.Len() > 8 {
			slots *= 2
		}
		n = perMap + slots*int(1+v.Type().Key().Size()+v.Type().Elem().Size())
		if !refers(v.Type().Key()) && !refers(v.Type().Elem()) {
			return n
		}
		for i := v.MapRange(); i.Next(); {
			n += s.behind(i.Key()) + s.behind(i.Value())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += s.behind(v.Field(i))
		}
	}
	return n
}

func (s *scale) each(v reflect.Value) (n int) {
	if refers(v.Type().Elem()) {
		for i := range v.Len() {
			n += s.behind(v.Index(i))
		}
	}
	return n
}

func (s *scale) first(p unsafe.Pointer) bool {
	if s.seen[p] {
		return false
	}
	if s.seen == nil {
		s.seen = make(map[unsafe.Pointer]bool)
	}
	s.seen[p] = true
	return true
}

var known sync.Map // what refers has found, by type

// refers reports whether values of a type refer to memory that counts. What a time refers to
// is its zone, which all share; channels and functions do not grow.
func refers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		return true
	case reflect.Array:
		return t.Len() > 0 && refers(t.Elem())
	case reflect.Struct:
		if found, ok := known.Load(t); ok {
			return found.(bool)
		}
		found := false
		for i := 0; i < t.NumField() && !found && t != reflect.TypeFor[time.Time](); i++ {
			found = refers(t.Field(i).Type)
		}
		known.Store(t, found)
		return found
	}
	return false
}
