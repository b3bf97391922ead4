package firewall

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"hirune/internal/core/remedy"
)

// seen is what the kernel has under our name.
type seen struct {
	there  bool // the table is there
	broken string
	held   [2][]Held // by family
}

// look reads the table. What it holds is read even where it is broken, as far as
// there is something.
func (f Filter) look(c *nftables.Conn) (seen, error) {
	var s seen
	if _, err := c.ListTableOfFamily(remedy.BanTable, nftables.TableFamilyINet); errors.Is(err, fs.ErrNotExist) {
		return s, nil
	} else if err != nil {
		return s, err
	}
	s.there = true
	sets, err := c.GetSets(table())
	if err != nil {
		return s, err
	}
	if s.broken, err = f.brokenSets(c, sets); err != nil {
		return s, err
	}
	if s.broken == "" {
		s.broken, err = f.brokenChains(c)
	}
	for i, fam := range families {
		at := slices.IndexFunc(sets, func(x *nftables.Set) bool { return x.Name == fam.set })
		if err != nil || at < 0 {
			continue
		}
		elements, gone := c.GetSetElements(sets[at])
		if gone != nil {
			return s, gone
		}
		s.held[i] = ranges(elements, int(fam.kind.Bytes)*8)
	}
	return s, err
}

// brokenSets says what is wrong with the sets; "" : nothing.
func (f Filter) brokenSets(c *nftables.Conn, sets []*nftables.Set) (string, error) {
	for _, fam := range families {
		i := slices.IndexFunc(sets, func(x *nftables.Set) bool { return x.Name == fam.set })
		switch {
		case i < 0:
			return "the set " + fam.set + " is gone", nil
		case !sets[i].Interval || !sets[i].HasTimeout || sets[i].AutoMerge || sets[i].KeyType.Bytes != fam.kind.Bytes:
			return "the set " + fam.set + " is of another kind", nil
		}
	}
	i := slices.IndexFunc(sets, func(x *nftables.Set) bool { return x.Name == setPorts })
	if i < 0 {
		return "the set " + setPorts + " is gone", nil
	}
	elements, err := c.GetSetElements(sets[i])
	if err != nil {
		return "", err
	}
	var ports []int
	for _, e := range elements {
		if len(e.Key) >= 2 {
			ports = append(ports, int(binary.BigEndian.Uint16(e.Key)))
		}
	}
	slices.Sort(ports)
	if want := f.ports(); !slices.Equal(ports, want) {
		return fmt.Sprintf("it refuses the ports %v instead of %v", ports, want), nil
	}
	return "", nil
}

// brokenChains says what is wrong with the chains and their rules; "" : nothing.
func (f Filter) brokenChains(c *nftables.Conn) (string, error) {
	all, err := c.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return "", err
	}
	for _, want := range chains() {
		i := slices.IndexFunc(all, func(x *nftables.Chain) bool { return x.Table.Name == remedy.BanTable && x.Name == want.Name })
		if i < 0 {
			return "the chain " + want.Name + " is gone", nil
		}
		have := all[i]
		if have.Hooknum == nil || *have.Hooknum != *want.Hooknum || have.Priority == nil || *have.Priority != *want.Priority {
			return "the chain " + want.Name + " hangs elsewhere", nil
		}
		got, err := f.listed(want.Name)
		if err != nil {
			return "", err
		}
		if !slices.Equal(got, names(rules(want.Name, f.forwards()))) {
			return "the rules of the chain " + want.Name + " are not ours", nil
		}
	}
	return "", nil
}

// named is a rule by its comment and the number of its expressions. What they say
// is not compared: the library cannot read all that it writes.
type named struct {
	comment string
	exprs   int
}

func names(rules []rule) []named {
	var out []named
	for _, r := range rules {
		out = append(out, named{string(comment(r.name)), len(r.exprs)})
	}
	return out
}

// listed are the rules of a chain as the kernel has them.
func (f Filter) listed(chain string) ([]named, error) {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: f.NetNS})
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	attrs, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_RULE_TABLE, Data: []byte(remedy.BanTable + "\x00")}, {Type: unix.NFTA_RULE_CHAIN, Data: []byte(chain + "\x00")},
	})
	if err != nil {
		return nil, err
	}
	all, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETRULE), Flags: netlink.Request | netlink.Dump},
		Data:   append([]byte{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0}, attrs...),
	})
	if err != nil {
		return nil, err
	}
	var out []named
	for _, m := range all {
		n, err := namedIn(m.Data)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// namedIn reads a rule's message behind its header of four bytes.
func namedIn(data []byte) (named, error) {
	var n named
	if len(data) < 4 {
		return n, errors.New("the kernel told of a rule in too few bytes")
	}
	ad, err := netlink.NewAttributeDecoder(data[4:])
	if err != nil {
		return n, err
	}
	for ad.Next() {
		switch ad.Type() {
		case unix.NFTA_RULE_USERDATA:
			n.comment = string(ad.Bytes())
		case unix.NFTA_RULE_EXPRESSIONS:
			ad.Nested(func(in *netlink.AttributeDecoder) error {
				for in.Next() {
					n.exprs++
				}
				return nil
			})
		}
	}
	return n, ad.Err()
}

// ranges puts the two ends of each interval together, sorted by address. An end
// lies just behind its interval.
func ranges(elements []nftables.SetElement, bits int) []Held {
	slices.SortFunc(elements, func(a, b nftables.SetElement) int {
		if c := bytes.Compare(a.Key, b.Key); c != 0 {
			return c
		}
		if a.IntervalEnd == b.IntervalEnd {
			return 0
		}
		if a.IntervalEnd {
			return -1
		}
		return 1
	})
	var out []Held
	open := false
	for _, e := range elements {
		a, ok := netip.AddrFromSlice(e.Key)
		if !ok || a.BitLen() != bits {
			continue
		}
		if e.IntervalEnd {
			if open {
				out[len(out)-1].Range = netipx.IPRangeFrom(out[len(out)-1].Range.From(), a.Prev())
			}
			open = false
			continue
		}
		h := Held{Range: netipx.IPRangeFrom(a, lastAddr(bits)), Left: e.Expires, Packets: -1, Bytes: -1}
		if e.Timeout == 0 {
			h.Left = 0
		}
		if e.Counter != nil {
			h.Packets, h.Bytes = int64(e.Counter.Packets), int64(e.Counter.Bytes)
		}
		out, open = append(out, h), true
	}
	return out
}

func lastAddr(bits int) netip.Addr {
	a, _ := netip.AddrFromSlice(bytes.Repeat([]byte{0xff}, bits/8))
	return a
}
