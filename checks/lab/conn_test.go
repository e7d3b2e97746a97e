package lab

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func ends(delay time.Duration, packets bool) (net.Conn, net.Conn) {
	a := &net.TCPAddr{IP: net.IPv4(127, 77, 0, 1), Port: 1}
	return newConns(a, a, delay, packets)
}

func TestBothEndsMayWriteAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := ends(0, false)
		for _, c := range []net.Conn{a, b} {
			if _, err := c.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []net.Conn{a, b} {
			buf := make([]byte, 9)
			if n, err := c.Read(buf); string(buf[:n]) != "hello" || err != nil {
				t.Errorf("read %q, %v", buf[:n], err)
			}
		}
	})
}

func TestOctetsTravelForTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := ends(time.Second, false)
		start := time.Now()
		a.Write([]byte("one "))
		a.Write([]byte("two"))
		a.Close()
		all, err := io.ReadAll(b)
		if string(all) != "one two" || err != nil {
			t.Errorf("read %q, %v", all, err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("the octets took %v, not a second", took)
		}
	})
}

func TestPacketsStayApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := ends(0, true)
		a.Write([]byte("first"))
		a.Write([]byte("second"))
		buf := make([]byte, 3)
		for _, want := range []string{"fir", "sec"} { // what does not fit is lost
			if n, _ := b.Read(buf); string(buf[:n]) != want {
				t.Errorf("read %q, want %q", buf[:n], want)
			}
		}
	})
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := ends(0, false)
		a.SetReadDeadline(time.Now().Add(time.Minute))
		start := time.Now()
		_, err := a.Read(make([]byte, 1))
		var timeout net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("reading past the deadline gave %v", err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("the deadline came after %v", took)
		}
		a.SetWriteDeadline(time.Now().Add(time.Minute))
		for err = nil; err == nil; _, err = a.Write(make([]byte, window/2)) {
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("writing to one who does not read gave %v", err)
		}
		a.SetWriteDeadline(time.Time{})
		go b.Read(make([]byte, window))
		if _, err := a.Write([]byte("x")); err != nil {
			t.Errorf("after the reader made room: %v", err)
		}
	})
}

func TestClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := ends(0, false)
		waiting := make(chan error)
		go func() { _, err := a.Read(make([]byte, 1)); waiting <- err }()
		synctest.Wait()
		a.Close()
		a.Close() // twice is no harm
		if err := <-waiting; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a waiting Read gave %v", err)
		}
		if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("writing to a closed end gave %v", err)
		}
		if _, err := b.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("reading from a closed peer gave %v", err)
		}
		if _, err := b.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("writing to a closed peer gave %v", err)
		}
	})
}

func TestMuchInSmallPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := ends(time.Millisecond, false)
		sent := bytes.Repeat([]byte("0123456789abcdef"), window/8) // twice the window
		go func() {
			for part := range bytes.SplitAfterSeq(sent, []byte("f")) {
				a.Write(part)
			}
			a.Close()
		}()
		if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d of %d octets arrived, %v", len(got), len(sent), err)
		}
	})
}
