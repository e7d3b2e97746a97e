package pkix

import (
	"crypto/elliptic"
	"math/big"
)

// curveOf is what is known of a named curve. Go computes with four of them; brainpool's and
// secp256k1 are computed with here, for signatures that anyone may see, so that nothing has to be secret.
type curveOf struct {
	name  string
	bits  int // of the order
	named elliptic.Curve
	own   *ownCurve
}

var curves = map[string]curveOf{
	"1.3.132.0.33":          {"P-224", 224, elliptic.P224(), nil},
	"1.2.840.10045.3.1.7":   {"P-256", 256, elliptic.P256(), nil},
	"1.3.132.0.34":          {"P-384", 384, elliptic.P384(), nil},
	"1.3.132.0.35":          {"P-521", 521, elliptic.P521(), nil},
	"1.2.840.10045.3.1.1":   {"P-192", 192, nil, nil},
	"1.3.132.0.8":           {"secp160r1", 161, nil, nil},
	"1.3.132.0.10":          {"secp256k1", 256, nil, secp256k1},
	"1.3.36.3.3.2.8.1.1.1":  {"brainpoolP160r1", 160, nil, nil},
	"1.3.36.3.3.2.8.1.1.3":  {"brainpoolP192r1", 192, nil, nil},
	"1.3.36.3.3.2.8.1.1.5":  {"brainpoolP224r1", 224, nil, nil},
	"1.3.36.3.3.2.8.1.1.7":  {"brainpoolP256r1", 256, nil, brainpool256},
	"1.3.36.3.3.2.8.1.1.9":  {"brainpoolP320r1", 320, nil, nil},
	"1.3.36.3.3.2.8.1.1.11": {"brainpoolP384r1", 384, nil, brainpool384},
	"1.3.36.3.3.2.8.1.1.13": {"brainpoolP512r1", 512, nil, brainpool512},
}

// ownCurve is y² = x³ + ax + b modulo p with a point (gx, gy) of prime order n.
type ownCurve struct{ p, a, b, gx, gy, n *big.Int }

type ownKey struct {
	*ownCurve
	x, y *big.Int
}

func newCurve(p, a, b, gx, gy, n string) *ownCurve {
	number := func(s string) *big.Int {
		v, _ := new(big.Int).SetString(s, 16)
		return v
	}
	return &ownCurve{number(p), number(a), number(b), number(gx), number(gy), number(n)}
}

// RFC 5639 §3.4, §3.6, §3.7; SEC 2 §2.4.1.
var (
	brainpool256 = newCurve(
		"A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377",
		"7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9",
		"26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6",
		"8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262",
		"547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997",
		"A9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7")
	brainpool384 = newCurve(
		"8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B412B1DA197FB71123ACD3A729901D1A71874700133107EC53",
		"7BC382C63D8C150C3C72080ACE05AFA0C2BEA28E4FB22787139165EFBA91F90F8AA5814A503AD4EB04A8C7DD22CE2826",
		"04A8C7DD22CE28268B39B55416F0447C2FB77DE107DCD2A62E880EA53EEB62D57CB4390295DBC9943AB78696FA504C11",
		"1D1C64F068CF45FFA2A63A81B7C13F6B8847A3E77EF14FE3DB7FCAFE0CBD10E8E826E03436D646AAEF87B2E247D4AF1E",
		"8ABE1D7520F9C2A45CB1EB8E95CFD55262B70B29FEEC5864E19C054FF99129280E4646217791811142820341263C5315",
		"8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B31F166E6CAC0425A7CF3AB6AF6B7FC3103B883202E9046565")
	brainpool512 = newCurve(
		"AADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA703308717D4D9B009BC66842AECDA12AE6A380E62881FF2F2D82C68528AA6056583A48F3",
		"7830A3318B603B89E2327145AC234CC594CBDD8D3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CA",
		"3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CADC083E67984050B75EBAE5DD2809BD638016F723",
		"81AEE4BDD82ED9645A21322E9C4C6A9385ED9F70B5D916C1B43B62EEF4D0098EFF3B1F78E2D0D48D50D1687B93B97D5F7C6D5047406A5E688B352209BCB9F822",
		"7DDE385D566332ECC0EABFA9CF7822FDF209F70024A57B1AA000C55B881F8111B2DCDE494A5F485E5BCA4BD88A2763AED1CA2B2FA8F0540678CD1E0F3AD80892",
		"AADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA70330870553E5C414CA92619418661197FAC10471DB1D381085DDADDB58796829CA90069")
	secp256k1 = newCurve(
		"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F", "0", "7",
		"79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798",
		"483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8",
		"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141")
)

// right is x³ + ax + b.
func (c *ownCurve) right(x *big.Int) *big.Int {
	v := new(big.Int).Mul(x, x)
	v.Add(v, c.a).Mul(v, x).Add(v, c.b)
	return v.Mod(v, c.p)
}

// point reads a point, in full or compressed (SEC 1 §2.3.4).
func (c *ownCurve) point(octets []byte) (x, y *big.Int, ok bool) {
	size := (c.p.BitLen() + 7) / 8
	if len(octets) < 1+size {
		return nil, nil, false
	}
	x = new(big.Int).SetBytes(octets[1 : 1+size])
	if x.Cmp(c.p) >= 0 {
		return nil, nil, false
	}
	switch {
	case octets[0] == 4 && len(octets) == 1+2*size:
		y = new(big.Int).SetBytes(octets[1+size:])
	case octets[0]|1 == 3 && len(octets) == 1+size:
		if y = new(big.Int).ModSqrt(c.right(x), c.p); y == nil {
			return nil, nil, false
		}
		if byte(y.Bit(0)) != octets[0]&1 {
			y.Sub(c.p, y)
		}
	default:
		return nil, nil, false
	}
	square := new(big.Int).Mul(y, y)
	return x, y, y.Cmp(c.p) < 0 && square.Mod(square, c.p).Cmp(c.right(x)) == 0
}

// add adds two points; a nil x is the point at infinity.
func (c *ownCurve) add(x1, y1, x2, y2 *big.Int) (x, y *big.Int) {
	switch {
	case x1 == nil:
		return x2, y2
	case x2 == nil:
		return x1, y1
	}
	slope, below := new(big.Int), new(big.Int)
	if x1.Cmp(x2) == 0 {
		if sum := new(big.Int).Add(y1, y2); sum.Mod(sum, c.p).Sign() == 0 {
			return nil, nil
		}
		slope.Mul(x1, x1).Mul(slope, big.NewInt(3)).Add(slope, c.a)
		below.Lsh(y1, 1)
	} else {
		slope.Sub(y2, y1)
		below.Sub(x2, x1)
	}
	below.ModInverse(below.Mod(below, c.p), c.p)
	slope.Mul(slope, below).Mod(slope, c.p)
	x = new(big.Int).Mul(slope, slope)
	x.Sub(x, x1).Sub(x, x2).Mod(x, c.p)
	y = new(big.Int).Sub(x1, x)
	y.Mul(y, slope).Sub(y, y1).Mod(y, c.p)
	return x, y
}

func (c *ownCurve) times(k, x, y *big.Int) (rx, ry *big.Int) {
	for i := k.BitLen() - 1; i >= 0; i-- {
		rx, ry = c.add(rx, ry, rx, ry)
		if k.Bit(i) == 1 {
			rx, ry = c.add(rx, ry, x, y)
		}
	}
	return rx, ry
}

// verify checks an ECDSA signature (SEC 1 §4.1.4).
func (k *ownKey) verify(digest []byte, r, s *big.Int) bool {
	if r.Sign() <= 0 || s.Sign() <= 0 || r.Cmp(k.n) >= 0 || s.Cmp(k.n) >= 0 {
		return false
	}
	e := new(big.Int).SetBytes(digest)
	if over := 8*len(digest) - k.n.BitLen(); over > 0 {
		e.Rsh(e, uint(over))
	}
	w := new(big.Int).ModInverse(s, k.n)
	u1 := e.Mul(e, w).Mod(e, k.n)
	u2 := w.Mul(r, w).Mod(w, k.n)
	x1, y1 := k.times(u1, k.gx, k.gy)
	x2, y2 := k.times(u2, k.x, k.y)
	x, _ := k.add(x1, y1, x2, y2)
	return x != nil && x.Mod(x, k.n).Cmp(r) == 0
}
