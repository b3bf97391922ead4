package report

import (
	"io"
	"net/netip"
	"time"

	bans "hirune/internal/core/block"
)

// BlocksDocument is what `blocks --json` writes; see Document for times, unknown
// amounts and lists.
type BlocksDocument struct {
	Schema  int         `json:"schema"`
	At      *time.Time  `json:"at"`
	Blocks  []BlockJSON `json:"blocks"`
	Allowed []AllowJSON `json:"allowed"`
	Gap     string      `json:"gap"`    // how the packet filter differs from what it should hold; "" : not at all
	Unseen  string      `json:"unseen"` // why it could not be asked
	Healed  string      `json:"healed"`
}

// BlockJSON is one ban.
type BlockJSON struct {
	Prefix  string     `json:"prefix"`
	Pieces  int        `json:"pieces"` // that it was cut into, around who is protected
	Layer   string     `json:"layer"`
	Since   *time.Time `json:"since"`
	Until   *time.Time `json:"until"` // null: until it is taken back
	Level   int        `json:"level"`
	Attack  string     `json:"attack"`
	Why     string     `json:"why"`
	Run     int        `json:"run"`
	By      string     `json:"by"`
	Trial   bool       `json:"trial"`
	Held    string     `json:"held"`    // held, missing, unknown
	Packets *float64   `json:"packets"` // null: not counted
	Bytes   *float64   `json:"bytes"`
	Undo    string     `json:"undo"`
}

// AllowJSON is one that is never blocked.
type AllowJSON struct {
	Prefix string `json:"prefix"`
	Note   string `json:"note"`
}

// BlocksJSON writes who is blocked as a BlocksDocument. The error is the writer's.
func BlocksJSON(w io.Writer, v Blocks) error {
	return writeJSON(w, BlocksDocument{
		Schema: Schema, At: instant(v.At), Blocks: each(v.Bans, blockJSON), Gap: v.Gap, Unseen: v.Unseen, Healed: v.Healed,
		Allowed: each(v.Allowed, func(p bans.Protected) AllowJSON { return AllowJSON{p.Prefix.String(), p.Note} }),
	})
}

func blockJSON(x Blocked) BlockJSON {
	b := x.Ban
	return BlockJSON{
		Prefix: b.Whole().String(), Pieces: x.Pieces, Layer: b.Layer, Since: instant(b.Since), Until: instant(b.Until), Level: b.Level, Attack: b.Attack, Why: b.Why,
		Run: b.Run, By: b.By, Trial: b.Trial, Held: x.Held, Packets: known(float64(x.Packets)), Bytes: known(float64(x.Bytes)), Undo: x.Undo,
	}
}

// shortPrefix leaves out the length of a single address.
func shortPrefix(p netip.Prefix) string {
	if p.IsValid() && p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
