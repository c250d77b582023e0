package template

import (
	"errors"
	"math/big"
	"net/netip"

	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// cidr is Fn::Cidr: count blocks that follow one another, each with cidrBits
// host bits, cut from an IPv4 or IPv6 block.
func (r *resolver) cidr(n, arg *document.Node) *document.Node {
	if arg == nil || arg.Kind != document.List || len(arg.Items) < 2 || len(arg.Items) > 3 {
		r.errorf(n.Pos, "Fn::Cidr takes a list of a block, a count and the bits of each part")
		return nil
	}
	count, ok := r.number(arg.Items[1], 0, 1, 256)
	if !ok {
		return nil
	}
	block := r.value(arg.Items[0])
	if resource.Unknown(block) {
		out := document.Seq(n.Pos)
		for range count {
			out.Items = append(out.Items, document.Str(resource.UnknownText("cidr"), n.Pos))
		}
		return out
	}
	prefix, err := netip.ParsePrefix(block.TextOr(""))
	if err != nil {
		r.errorf(arg.Items[0].Position(), "%q is not a block of addresses", block.TextOr(kindOf(block))).
			WithHint("write it like 10.0.0.0/16")
		return nil
	}
	var given *document.Node
	if len(arg.Items) == 3 {
		given = arg.Items[2]
	}
	width := prefix.Addr().BitLen()
	// The default is 8 bits: 256 addresses in each part.
	bits, ok := r.number(given, 8, 1, width)
	if !ok {
		return nil
	}
	parts, err := subnets(prefix.Masked(), count, bits)
	if err != nil {
		r.errorf(n.Pos, "%s does not hold %d parts of %d bits", prefix, count, bits)
		return nil
	}
	out := document.Seq(n.Pos)
	for _, p := range parts {
		out.Items = append(out.Items, document.Str(p.String(), n.Pos))
	}
	return out
}

// errTooSmall: the block cannot be cut into that many parts.
var errTooSmall = errors.New("the block is too small")

// subnets cuts count parts with the given number of host bits from the start
// of a block. Addresses are counted as big integers, because IPv6 blocks do not
// fit a machine word.
func subnets(block netip.Prefix, count, bits int) ([]netip.Prefix, error) {
	width := block.Addr().BitLen()
	room := width - block.Bits() - bits // bits that tell the parts apart
	if room < 0 || room < 9 && count > 1<<room {
		return nil, errTooSmall
	}
	base := new(big.Int).SetBytes(block.Addr().AsSlice())
	step := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	out := make([]netip.Prefix, 0, count)
	raw := make([]byte, width/8)
	for range count {
		addr, _ := netip.AddrFromSlice(base.FillBytes(raw))
		out = append(out, netip.PrefixFrom(addr, width-bits))
		base.Add(base, step)
	}
	return out, nil
}
