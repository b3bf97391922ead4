package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/block"
	"hirune/internal/core/hint"
	"hirune/internal/core/report"
)

// proposalsOld is from when on the answers of hirune attacks are no ground for a
// ban: who attacked then has long gone, and somebody else may have the address.
const proposalsOld = 24 * time.Hour

// proposed are whom the last hirune attacks proposes to ban; attacks name which,
// none: all that have to be stopped.
func (a *app) proposed(cmd *cobra.Command, state string, attacks []string) ([]block.Candidate, error) {
	d, err := a.lastAttacks(state)
	if err != nil {
		return nil, err
	}
	if err := knownAttacks(cmd, d, attacks); err != nil {
		return nil, err
	}
	var out []block.Candidate
	optional, refused := 0, ""
	for _, p := range d.Proposals {
		switch named := slices.Contains(attacks, p.Attack); {
		case len(attacks) > 0 && !named || p.ID != "ban":
		case p.Refused != "":
			refused = p.Refused
		case p.Optional && !named:
			optional++
		default:
			out = append(out, candidatesOf(p)...)
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case refused != "":
		return nil, hint.Wrap(fmt.Errorf("the last hirune attacks refuses to block: %s", refused), "refused", "see: hirune attacks")
	case optional > 0:
		return nil, hint.Wrap(errors.New("nothing has to be blocked: what attacks does no harm, or something else stops it better"), "optional", "see: hirune attacks; to block all the same, name the attack: hirune block ATTACK")
	}
	return nil, hint.Wrap(errors.New("the last hirune attacks proposes to block nobody"), "no-proposal", "look again: "+a.sudo("hirune attacks")+"; or name an address: hirune block ADDRESS")
}

// lastAttacks are the answers that hirune attacks has kept.
func (a *app) lastAttacks(state string) (report.AttacksDocument, error) {
	var d report.AttacksDocument
	text, err := os.ReadFile(filepath.Join(a.stateDir(state), attacksName))
	if errors.Is(err, fs.ErrNotExist) && state == "" && a.euid != 0 { // root has looked, perhaps
		text, err = os.ReadFile(filepath.Join(a.machineDir(), attacksName))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d, hint.Wrap(errors.New("nobody has looked for attacks yet"), "no-attacks", "look first: "+a.sudo("hirune attacks")+"; or name an address: hirune block ADDRESS")
	case err != nil:
		return d, hint.Wrap(fmt.Errorf("read the last answers of hirune attacks: %w", err), "attacks-denied", "run it with sudo")
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, hint.Wrap(fmt.Errorf("read the last answers of hirune attacks: %w", err), "attacks-damaged", "look again: "+a.sudo("hirune attacks"))
	}
	if d.Files {
		return d, hint.Wrap(errors.New("the last answers of hirune attacks are about files that were named, not about this server"), "attacks-elsewhere", "look here: "+a.sudo("hirune attacks"))
	}
	if d.Asked == nil || a.now().Sub(*d.Asked) > proposalsOld {
		return d, hint.Wrap(errors.New("the last answers of hirune attacks are more than a day old"), "attacks-old", "look again: "+a.sudo("hirune attacks"))
	}
	return d, nil
}

// knownAttacks refuses what is neither an address nor an attack that was found.
func knownAttacks(cmd *cobra.Command, d report.AttacksDocument, attacks []string) error {
	var known []string
	for _, x := range d.Attacks {
		known = append(known, x.ID)
	}
	for _, arg := range attacks {
		if slices.Contains(known, arg) {
			continue
		}
		text := fmt.Sprintf("neither an address nor an attack that was found: %q", arg)
		if near := hint.Nearest(arg, known); near != "" {
			return usage(cmd, text, "did you mean "+near+"?")
		}
		return usage(cmd, text, "write an address such as 203.0.113.7, or a network such as 203.0.113.0/24; the attacks: hirune attacks")
	}
	return nil
}

func candidatesOf(p report.ProposalView) []block.Candidate {
	var out []block.Candidate
	for _, b := range p.Bans {
		prefix, ok := prefixOf(b.Prefix)
		if !ok {
			continue
		}
		c := block.Candidate{Prefix: prefix, Attack: p.Attack, Attempts: b.Attempts, Why: b.Why}
		if b.To != nil {
			c.Last = *b.To
		}
		out = append(out, c)
	}
	return out
}
