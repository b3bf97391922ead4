package firewall

import (
	"encoding/binary"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"

	"hirune/internal/core/remedy"
)

// priority is before the distribution's own filters, which are at 0 or later.
const priority = -10

const setPorts = "webports"

// family is one of the two families of addresses.
type family struct {
	set    string
	kind   nftables.SetDatatype
	proto  byte   // NFPROTO
	offset uint32 // of the source address in the header
}

var families = [2]family{
	{remedy.BanSet4, nftables.TypeIPAddr, unix.NFPROTO_IPV4, 12},
	{remedy.BanSet6, nftables.TypeIP6Addr, unix.NFPROTO_IPV6, 8},
}

func table() *nftables.Table {
	return &nftables.Table{Name: remedy.BanTable, Family: nftables.TableFamilyINet}
}

// banSet takes intervals, each with its own end. It merges nothing: a merged
// element would lose its end.
func (f family) banSet(counted bool) *nftables.Set {
	return &nftables.Set{Table: table(), Name: f.set, KeyType: f.kind, Interval: true, HasTimeout: true, Counter: counted, KeyByteOrder: binaryutil.BigEndian}
}

func portSet() *nftables.Set {
	return &nftables.Set{Table: table(), Name: setPorts, KeyType: nftables.TypeInetService, KeyByteOrder: binaryutil.BigEndian}
}

func portElements(ports []int) []nftables.SetElement {
	var out []nftables.SetElement
	for _, p := range ports {
		out = append(out, nftables.SetElement{Key: binary.BigEndian.AppendUint16(nil, uint16(p))})
	}
	return out
}

func chains() []*nftables.Chain {
	accept := nftables.ChainPolicyAccept
	var out []*nftables.Chain
	for name, hook := range map[string]*nftables.ChainHook{"input": nftables.ChainHookInput, "forward": nftables.ChainHookForward} {
		out = append(out, &nftables.Chain{Name: name, Table: table(), Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: nftables.ChainPriorityRef(priority), Policy: &accept})
	}
	return out
}

// rule is one rule of ours; its name stands in the kernel as a comment and tells
// whether the rule is still ours.
type rule struct {
	name  string
	exprs []expr.Any
}

// rules are those of a chain: packets of the banned to the web's ports, over TCP
// and over UDP, which HTTP/3 uses. What is forwarded to a container has the
// container's port; there the port that the client asked for counts as well.
func rules(chain string, tracked bool) []rule {
	var out []rule
	for _, f := range families {
		for _, p := range []struct {
			name string
			id   byte
		}{{"tcp", unix.IPPROTO_TCP}, {"udp", unix.IPPROTO_UDP}} {
			toPort := &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}
			out = append(out, rule{fmt.Sprintf("%s %s", f.set, p.name), f.drops(p.id, toPort)})
			if chain == "forward" && tracked {
				asked := &expr.Ct{Register: 1, Key: expr.CtKeyPROTODST, Direction: 0}
				out = append(out, rule{fmt.Sprintf("%s %s asked", f.set, p.name), append(asking(), f.drops(p.id, asked)...)})
			}
		}
	}
	return out
}

// asking are the packets of who began the connection: answers carry its port, too,
// and what a container of ours asks somebody who is banned is no business of a ban.
func asking() []expr.Any {
	return []expr.Any{
		&expr.Ct{Register: 1, Key: expr.CtKeyDIRECTION},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{0}},
	}
}

func (f family) drops(proto byte, port expr.Any) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{f.proto}},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{proto}},
		port,
		&expr.Lookup{SourceRegister: 1, SetName: setPorts},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: f.offset, Len: f.kind.Bytes},
		&expr.Lookup{SourceRegister: 1, SetName: f.set},
		&expr.Counter{},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}
}

// build puts the table with its sets, chains and rules into the transaction.
func (f Filter) build(c *nftables.Conn, counted bool) error {
	t := c.AddTable(table())
	if err := c.AddSet(portSet(), nil); err != nil {
		return err
	}
	if err := c.SetAddElements(portSet(), portElements(f.ports())); err != nil {
		return err
	}
	for _, fam := range families {
		if err := c.AddSet(fam.banSet(counted), nil); err != nil {
			return err
		}
	}
	for _, ch := range chains() {
		c.AddChain(ch)
		for _, r := range rules(ch.Name, f.forwards()) {
			c.AddRule(&nftables.Rule{Table: t, Chain: ch, Exprs: r.exprs, UserData: comment(r.name)})
		}
	}
	return nil
}

// comment is a rule's name as nft shows it.
func comment(name string) []byte {
	return userdata.AppendString(nil, userdata.TypeComment, "hirune: "+name)
}
