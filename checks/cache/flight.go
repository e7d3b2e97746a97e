package cache

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// Flight lets those who want the same at the same time share one piece of work. The work
// belongs to none of them: it goes on while anyone waits for it, however the first fares,
// and ends when all have gone. Where it panics, all who wait do.
type Flight[V any] struct {
	mu    sync.Mutex
	works map[string]*work[V]
}

type work[V any] struct {
	done    chan struct{}
	value   V   // once done is closed
	fault   any // what the work panicked with
	waiting int
	cancel  context.CancelFunc
}

// Do returns what the work named key comes to; ok is false when ctx ends first. The work is
// fn, with a context of its own.
func (f *Flight[V]) Do(ctx context.Context, key string, fn func(context.Context) V) (value V, ok bool) {
	f.mu.Lock()
	w := f.works[key]
	if w == nil {
		own, cancel := context.WithCancel(context.Background())
		w = &work[V]{done: make(chan struct{}), cancel: cancel}
		if f.works == nil {
			f.works = make(map[string]*work[V])
		}
		f.works[key] = w
		go func() {
			defer cancel()
			defer func() {
				if v := recover(); v != nil {
					w.fault = fmt.Sprintf("%v\n%s", v, debug.Stack())
				}
				f.mu.Lock()
				f.forget(key, w)
				f.mu.Unlock()
				close(w.done)
			}()
			w.value = fn(own)
		}()
	}
	w.waiting++
	f.mu.Unlock()
	select {
	case <-w.done:
		if w.fault != nil {
			panic(w.fault)
		}
		return w.value, true
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if w.waiting--; w.waiting == 0 {
		f.forget(key, w) // whoever comes next begins anew
		w.cancel()
	}
	return value, false
}

// forget removes a work unless another has taken its place. f.mu is held.
func (f *Flight[V]) forget(key string, w *work[V]) {
	if f.works[key] == w {
		delete(f.works, key)
	}
}
