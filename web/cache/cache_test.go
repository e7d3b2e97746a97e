package cache

import (
	"fmt"
	"testing"
	"time"
)

func TestACacheIsBounded(t *testing.T) {
	const most = 256
	c := New[string](most, time.Minute)
	for i := range most + 50 {
		c.Put(fmt.Sprint(i), "old")
	}
	if n := c.Len(); n > most {
		t.Errorf("%d things are held", n)
	}
	c.Put("0", "new")
	if v, ok := c.Get("0"); !ok || v != "new" {
		t.Error("a full cache kept what is outdated")
	}
	c.Drop("0")
	if _, ok := c.Get("0"); ok {
		t.Error("what was dropped is still there")
	}
}
