package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// FreePort is a port that nobody has at the moment, with TCP or UDP, on any address. It lies below
// those that systems give to connections and to whoever asks for any port (Linux from 32768, others
// from 49152), so that nobody is given it before it is opened.
func FreePort() (uint16, error) {
	var err error
	for range 100 {
		port := uint16(10_000 + rand.IntN(22_000))
		if err = isFree(port); err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("look for a free port: %w", err)
}

func isFree(port uint16) error {
	at := fmt.Sprintf(":%d", port)
	l, err := net.Listen("tcp", at)
	if err != nil {
		return err
	}
	c, err := net.ListenPacket("udp", at)
	if err == nil {
		err = c.Close()
	}
	return errors.Join(err, l.Close())
}
