package hello

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"sync"
)

// share is our half of a key exchange in a named group: a curve, and for the hybrids of RFC
// 10024 an ML-KEM key beside it.
type share struct {
	group       uint16
	public      []byte // as it stands in a key share
	curve       *ecdh.PrivateKey
	decapsulate func(ciphertext []byte) ([]byte, error) // nil for a curve alone
	kemSize     int                                     // of the ciphertext, in bytes
	kemFirst    bool                                    // ML-KEM stands before the curve
	number      *big.Int                                // the secret number of a group that crypto/ecdh lacks
}

var curves = map[uint16]func() ecdh.Curve{
	X25519: ecdh.X25519, P256: ecdh.P256, P384: ecdh.P384, 25: ecdh.P521,
	0x11EC: ecdh.X25519, 0x11EB: ecdh.P256, 0x11ED: ecdh.P384,
}

// shared reports whether we can take part in a key exchange in the group.
func shared(group uint16) bool {
	return curves[group] != nil || group == x448 || GroupOf(group).Finite
}

// A probe has nothing to keep secret, and to make a key costs about as much as to use it: one serves
// so many exchanges, with whomever.
const exchangesOfKey = 32

// kept are the keys in use, by group.
var kept struct {
	sync.Mutex
	keys map[uint16]*share
	left map[uint16]int // exchanges
}

// shareOf returns a key in the group.
func shareOf(group uint16) (*share, error) {
	kept.Lock()
	defer kept.Unlock()
	if kept.left[group] == 0 {
		s, err := newShare(group)
		if err != nil {
			return nil, err
		}
		if kept.keys == nil {
			kept.keys, kept.left = make(map[uint16]*share), make(map[uint16]int)
		}
		kept.keys[group], kept.left[group] = s, exchangesOfKey
	}
	kept.left[group]--
	return kept.keys[group], nil
}

// newShare makes a key. It fails for a group that we can only ask for.
func newShare(group uint16) (*share, error) {
	if group == x448 || GroupOf(group).Finite {
		return newPlainShare(group), nil
	}
	curve := curves[group]
	if curve == nil {
		return nil, fmt.Errorf("hello: no key share in %s", GroupOf(group).Name)
	}
	key, err := curve().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	s := &share{group: group, curve: key, public: key.PublicKey().Bytes()}
	switch group {
	case 0x11EC, 0x11EB:
		kem, err := mlkem.GenerateKey768()
		if err != nil {
			return nil, err
		}
		s.decapsulate, s.kemSize, s.kemFirst = kem.Decapsulate, mlkem.CiphertextSize768, group == 0x11EC
		s.public = both(s.kemFirst, kem.EncapsulationKey().Bytes(), s.public)
	case 0x11ED:
		kem, err := mlkem.GenerateKey1024()
		if err != nil {
			return nil, err
		}
		s.decapsulate, s.kemSize = kem.Decapsulate, mlkem.CiphertextSize1024
		s.public = both(false, kem.EncapsulationKey().Bytes(), s.public)
	}
	return s, nil
}

// secret is what both sides have in common once the server's half is known.
func (s *share) secret(theirs []byte) ([]byte, error) {
	if s.number != nil {
		return s.plainSecret(theirs)
	}
	point, ciphertext := theirs, []byte(nil)
	if s.decapsulate != nil {
		if len(theirs) <= s.kemSize {
			return nil, errors.New("hello: a key share that is too short")
		}
		if s.kemFirst {
			ciphertext, point = theirs[:s.kemSize], theirs[s.kemSize:]
		} else {
			point, ciphertext = theirs[:len(theirs)-s.kemSize], theirs[len(theirs)-s.kemSize:]
		}
	}
	public, err := s.curve.Curve().NewPublicKey(point)
	if err != nil {
		return nil, err
	}
	secret, err := s.curve.ECDH(public)
	if err != nil || s.decapsulate == nil {
		return secret, err
	}
	post, err := s.decapsulate(ciphertext)
	if err != nil {
		return nil, err
	}
	return both(s.kemFirst, post, secret), nil
}

// both puts the parts of a hybrid in the order of its group.
func both(kemFirst bool, kem, curve []byte) []byte {
	if kemFirst {
		return append(append([]byte(nil), kem...), curve...)
	}
	return append(append([]byte(nil), curve...), kem...)
}
