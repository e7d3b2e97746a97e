package main

import (
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"
)

// way is one direction of the path between the checker and the world: it carries IP packets
// from one device to another, late, and not all of them.
type way struct {
	loss    float64       // share of packets that vanish
	largest int           // octets of a packet that still fits; 0: all do
	delay   time.Duration // of each
	random  *rand.Rand

	carried, lost atomic.Int64
}

type packet struct {
	octets []byte
	due    time.Time
}

// carry ends when the device is closed.
func (w *way) carry(from, to *os.File) {
	road := make(chan packet, 1<<14)
	go func() {
		for p := range road { // they stay in order: all are late by the same time
			time.Sleep(time.Until(p.due))
			to.Write(p.octets) // a packet that a device does not take is one more that is lost
		}
	}()
	defer close(road)
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if w.random.Float64() < w.loss || w.largest > 0 && n > w.largest {
			w.lost.Add(1)
			continue
		}
		w.carried.Add(1)
		road <- packet{append([]byte(nil), buf[:n]...), time.Now().Add(w.delay)}
	}
}
