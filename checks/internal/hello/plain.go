package hello

import (
	"crypto/rand"
	"errors"
	"math/big"
	"slices"
	"sync"
)

// Groups that senders have and crypto/ecdh lacks: X448 (RFC 7748) and the finite fields of
// RFC 7919. They are worked out in plain big numbers, in no constant time: what is agreed
// here protects an EHLO and a QUIT and is no secret of anybody's.

const x448 uint16 = 30

var errShare = errors.New("hello: a key share that is no element of its group")

func newPlainShare(group uint16) *share {
	s := &share{group: group}
	if group == x448 {
		k := make([]byte, 56)
		rand.Read(k)
		k[0], k[55] = k[0]&252, k[55]|128
		s.number = littleEndian(k)
		s.public = montgomery448(s.number, big.NewInt(5))
		return s
	}
	p := safePrime(group)
	exponent := make([]byte, 32)
	rand.Read(exponent)
	s.number = integer(exponent)
	s.public = new(big.Int).Exp(big.NewInt(2), s.number, p).FillBytes(make([]byte, p.BitLen()/8))
	return s
}

func (s *share) plainSecret(theirs []byte) ([]byte, error) {
	if s.group == x448 {
		if len(theirs) != 56 {
			return nil, errShare
		}
		secret := montgomery448(s.number, littleEndian(theirs))
		if !slices.ContainsFunc(secret, func(b byte) bool { return b != 0 }) { // RFC 7748 §6.2
			return nil, errShare
		}
		return secret, nil
	}
	p, one := safePrime(s.group), big.NewInt(1)
	y := integer(theirs)
	if len(theirs) != p.BitLen()/8 || y.Cmp(one) <= 0 || y.Cmp(new(big.Int).Sub(p, one)) >= 0 {
		return nil, errShare
	}
	// With its leading zeros (RFC 9846 §7.4.1).
	return y.Exp(y, s.number, p).FillBytes(make([]byte, len(theirs))), nil
}

func littleEndian(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return integer(b)
}

var prime448 = func() *big.Int { // 2^448 - 2^224 - 1
	p := new(big.Int).Lsh(big.NewInt(1), 448)
	p.Sub(p, new(big.Int).Lsh(big.NewInt(1), 224))
	return p.Sub(p, big.NewInt(1))
}()

// montgomery448 multiplies the point with coordinate u by k (RFC 7748 §5).
func montgomery448(k, u *big.Int) []byte {
	p := prime448
	n := func() *big.Int { return new(big.Int) }
	mul := func(a, b *big.Int) *big.Int { c := n().Mul(a, b); return c.Mod(c, p) }
	add := func(a, b *big.Int) *big.Int { c := n().Add(a, b); return c.Mod(c, p) }
	sub := func(a, b *big.Int) *big.Int { c := n().Sub(a, b); return c.Mod(c, p) }
	x1 := n().Mod(u, p)
	x2, z2, x3, z3 := big.NewInt(1), n(), n().Set(x1), big.NewInt(1)
	a24 := big.NewInt(39081)
	for t := 447; t >= 0; t-- {
		if k.Bit(t) == 1 {
			x2, z2, x3, z3 = x3, z3, x2, z2
		}
		a, b, c, d := add(x2, z2), sub(x2, z2), add(x3, z3), sub(x3, z3)
		aa, bb, da, cb := mul(a, a), mul(b, b), mul(d, a), mul(c, b)
		e := sub(aa, bb)
		plus, minus := add(da, cb), sub(da, cb)
		x3, z3 = mul(plus, plus), mul(x1, mul(minus, minus))
		x2, z2 = mul(aa, bb), mul(e, add(aa, mul(a24, e)))
		if k.Bit(t) == 1 {
			x2, z2, x3, z3 = x3, z3, x2, z2
		}
	}
	out := mul(x2, n().Exp(z2, n().Sub(p, big.NewInt(2)), p)).FillBytes(make([]byte, 56))
	slices.Reverse(out)
	return out
}

// The primes of RFC 7919 appendix A are made of the digits of e and a small number each.
var addends = map[uint16]int64{256: 560316, 257: 2625351, 258: 5736041, 259: 15705020, 260: 10965728}

var (
	safeMu     sync.Mutex
	safePrimes = make(map[uint16]*big.Int)
)

// safePrime returns 2^b - 2^(b-64) + (floor(2^(b-130) e) + X) 2^64 - 1.
func safePrime(group uint16) *big.Int {
	safeMu.Lock()
	defer safeMu.Unlock()
	if p := safePrimes[group]; p != nil {
		return p
	}
	b := uint(GroupOf(group).Bits)
	one := big.NewInt(1)
	// e with some bits to spare: the sum of 1/n!.
	const spare = 64
	e, term := new(big.Int), new(big.Int).Lsh(one, b-130+spare)
	for i := int64(1); term.Sign() > 0; i++ {
		e.Add(e, term)
		term.Div(term, big.NewInt(i))
	}
	e.Rsh(e, spare)
	p := e.Add(e, big.NewInt(addends[group]))
	p.Lsh(p, 64)
	p.Add(p, new(big.Int).Lsh(one, b))
	p.Sub(p, new(big.Int).Lsh(one, b-64))
	p.Sub(p, one)
	safePrimes[group] = p
	return p
}
