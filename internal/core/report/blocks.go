package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	bans "hirune/internal/core/block"
	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// Blocks is who is blocked, and whether they really are.
type Blocks struct {
	At      time.Time
	Bans    []Blocked
	Allowed []bans.Protected
	Gap     string // how the packet filter differs from what it should hold; "" : not at all
	Unseen  string // why the packet filter could not be asked
	Healed  string // what was just put right
	Checked bool   // somebody asked for the check
}

// Blocked is one ban with what the kernel says of it.
type Blocked struct {
	Ban     bans.Ban // the first piece of those that it was cut into
	Pieces  int
	Held    string // Held…; whether the kernel refuses all of it
	Packets int64  // refused since it was put in; -1 unknown
	Bytes   int64
	Undo    string // the command that takes it back
}

// What the kernel says of a ban.
const (
	HeldYes     = "held"
	HeldNo      = "missing"
	HeldUnknown = "unknown"
)

// blocksTold is how many bans the first screen has.
const blocksTold = 10

// BlocksText writes for a terminal who is blocked, why, until when, and how to
// take it back. The error is the writer's.
func BlocksText(w io.Writer, v Blocks, o Options) error {
	p := newPrinter(diagnose.Verdict{}, o, clean)
	p.day = v.At
	var b strings.Builder
	if len(v.Bans) == 0 {
		p.hang(&b, "", "", p.words["ui.blocks-none"])
	} else {
		p.styled(&b, bold, "", p.t("ui.blocks-head", "n", diagnose.Count(len(v.Bans))))
	}
	for i, x := range v.Bans {
		if i == blocksTold && !o.Verbose {
			p.hang(&b, "", "", p.t("ui.blocks-more", "n", diagnose.Count(len(v.Bans)-i)))
			break
		}
		p.blocked(&b, v.At, x)
	}
	p.kernel(&b, v)
	if len(v.Allowed) > 0 {
		var all []string
		for _, a := range v.Allowed {
			all = append(all, shortPrefix(a.Prefix))
		}
		p.hang(&b, "", "", p.t("ui.blocks-allowed", "addresses", all))
	}
	return p.finish(w, &b)
}

func (p *printer) blocked(b *strings.Builder, now time.Time, x Blocked) {
	until := p.words["ui.blocks-forever"]
	if !x.Ban.Until.IsZero() {
		until = p.t("ui.blocks-until", "until", x.Ban.Until, "in", rough(x.Ban.Until.Sub(now)))
	}
	switch {
	case x.Ban.Trial:
		until += p.words["ui.blocks-trial"]
	case x.Ban.Level > 0:
		until += p.t("ui.blocks-again", "times", diagnose.Count(x.Ban.Level+1))
	}
	fmt.Fprintln(b)
	p.styled(b, bold, "", p.quote(shortPrefix(x.Ban.Whole()), nameRunes)+p.words["ui.colon"]+until)
	p.beside(b, "ui.blocks-because", p.quote(x.Ban.Why, longRunes))
	state := p.words["ui.blocks-unknown"]
	switch x.Held {
	case HeldYes:
		state = p.t("ui.blocks-held", "n", diagnose.Count(x.Packets))
	case HeldNo:
		state = p.style(red, p.words["ui.blocks-missing"])
	}
	p.beside(b, "ui.blocks-now", state)
	p.beside(b, "ui.blocks-undo", hold(x.Undo))
}

// kernel says whether the packet filter is as it should be.
func (p *printer) kernel(b *strings.Builder, v Blocks) {
	text, code := "", ""
	switch {
	case v.Unseen != "" && (len(v.Bans) > 0 || v.Checked):
		text, code = p.t("ui.blocks-unseen", "message", v.Unseen), yellow
	case v.Unseen != "":
	case v.Healed != "":
		text, code = p.t("ui.blocks-healed", "message", v.Healed), yellow
	case v.Gap != "":
		text, code = p.t("ui.blocks-gap", "message", v.Gap), red
	case v.Checked:
		text, code = p.words["ui.blocks-as-should"], green
	}
	if text != "" {
		fmt.Fprintln(b)
		p.styled(b, code, "", text)
	}
}

// targetOfBlock is what a step about bans is about.
func targetOfBlock(s remedy.Step) string {
	var all []string
	switch s := s.(type) {
	case remedy.BanPrefixes:
		for _, x := range s.Bans {
			all = append(all, shortPrefix(x.Prefix))
		}
	case remedy.LiftBans:
		for _, x := range s.Prefixes {
			all = append(all, shortPrefix(x))
		}
	case remedy.AllowPrefixes:
		for _, x := range s.Prefixes {
			all = append(all, shortPrefix(x))
		}
	}
	const told = 3
	if len(all) > told {
		all = append(all[:told], "…")
	}
	return strings.Join(all, ", ")
}
