package cache

import (
	"reflect"
	"slices"
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

// scale remembers what it has weighed already: of few things in a list, of many in a map.
type scale struct {
	few  []unsafe.Pointer
	many map[unsafe.Pointer]bool
}

const (
	perText = 16 // octets by which the allocator rounds up, on average
	perMap  = 64 // octets of a map beside its slots, of which there are eight at least, and a power of two
	fewMost = 32
)

// behind is what a value refers to, without the octets of the value itself.
func (s *scale) behind(v reflect.Value) (n int) {
	k := kindOf(v.Type())
	if !k.refers {
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
		if !kindOf(v.Type().Key()).refers && !kindOf(v.Type().Elem()).refers {
			return n
		}
		for i := v.MapRange(); i.Next(); {
			n += s.behind(i.Key()) + s.behind(i.Value())
		}
	case reflect.Struct:
		for _, i := range k.fields {
			n += s.behind(v.Field(i))
		}
	}
	return n
}

func (s *scale) each(v reflect.Value) (n int) {
	if kindOf(v.Type().Elem()).refers {
		for i := range v.Len() {
			n += s.behind(v.Index(i))
		}
	}
	return n
}

func (s *scale) first(p unsafe.Pointer) bool {
	if s.many[p] || slices.Contains(s.few, p) {
		return false
	}
	if len(s.few) < fewMost {
		s.few = append(s.few, p)
		return true
	}
	if s.many == nil {
		s.many = make(map[unsafe.Pointer]bool)
	}
	s.many[p] = true
	return true
}

// kind is what there is to know of a type: whether its values refer to memory that counts, and
// which fields of a struct do. What a time refers to is its zone, which all share; channels and
// functions do not grow.
type kind struct {
	refers bool
	fields []int
}

var (
	plain   = &kind{}
	leading = &kind{refers: true}
	structs sync.Map // *kind by type
)

func kindOf(t reflect.Type) *kind {
	switch t.Kind() {
	case reflect.String, reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		return leading
	case reflect.Array:
		if t.Len() > 0 {
			return kindOf(t.Elem())
		}
	case reflect.Struct:
		if found, ok := structs.Load(t); ok {
			return found.(*kind)
		}
		k := new(kind)
		for i := 0; i < t.NumField() && t != reflect.TypeFor[time.Time](); i++ {
			if kindOf(t.Field(i).Type).refers {
				k.fields = append(k.fields, i)
			}
		}
		k.refers = len(k.fields) > 0
		structs.Store(t, k)
		return k
	}
	return plain
}
