package attack

import "hirune/internal/core/diagnose"

// loneFiles is how many files of code are changed together at most where no
// update did it.
const loneFiles = 3

// files weighs files of code where none belongs, and those that were changed by
// themselves.
func (j *inquiry) files(s Site) {
	for _, f := range s.Files {
		if f.Why == WhyAsked || j.told[f.Path] {
			continue
		}
		e := Evidence{ID: "php-in-uploads", Path: f.Path, At: f.Changed.Unix(), Weight: LookAtThis, Do: diagnose.Say("do-remove-file", "file", f.Path)}
		stray := f.Why == WhyUploads || f.Why == WhyCache || f.Why == WhyLanguages
		in, behind := j.after(f.Changed)
		switch {
		case f.Does == DoesNothing && f.Why != WhyCore || f.Does == DoesGone:
			continue
		case stray && f.Does == DoesCommands:
			e.ID, e.Weight, e.Say = "shell-file", LikelyIn, diagnose.Say("in-shell-file", "file", f.Path, "changed", f.Changed)
			if behind {
				e.Weight = in.weight
			}
		case behind && f.Together <= loneFiles && (stray || f.Why == WhyCore || f.Why == WhyRecent):
			e.ID, e.Weight, e.Say = "changed-file", LikelyIn, diagnose.Say("in-file-after", "file", f.Path, "changed", f.Changed, "at", in.at)
			if !stray {
				e.Do = diagnose.Say("do-check-file", "file", f.Path)
			}
		case stray && f.Does == DoesSome:
			e.Say = diagnose.Say("in-php-uploads", "file", f.Path, "changed", f.Changed)
		case f.Why == WhyCore && f.Together <= loneFiles:
			e.ID, e.Say, e.Do = "core-changed", diagnose.Say("in-core-changed", "file", f.Path, "changed", f.Changed), diagnose.Say("do-check-file", "file", f.Path)
			if f.Does == DoesCommands {
				e.Weight = LikelyIn
			}
		case f.Why == WhyRecent && f.Does == DoesCommands && f.Together <= loneFiles:
			e.ID, e.Say, e.Do = "changed-file", diagnose.Say("in-file-commands", "file", f.Path, "changed", f.Changed), diagnose.Say("do-check-file", "file", f.Path)
		default:
			continue
		}
		j.tell(e, false)
	}
}

// admins looks for administrators who were made by an intruder, or just now.
func (j *inquiry) admins(s Site) {
	oldest := j.now
	for _, a := range s.Admins {
		if !a.Registered.IsZero() && a.Registered.Before(oldest) {
			oldest = a.Registered
		}
	}
	for _, a := range s.Admins {
		if a.Registered.IsZero() {
			continue
		}
		e := Evidence{ID: "new-admin", User: a.User, At: a.Registered.Unix(), Do: diagnose.Say("do-check-admin", "user", a.User)}
		in, behind := j.after(a.Registered)
		switch {
		case behind && a.User != in.user:
			e.Weight, e.Say = in.weight, diagnose.Say("in-admin-after", "user", a.User, "registered", a.Registered, "at", in.at)
		case j.now.Sub(a.Registered) < freshFor && a.Registered.Sub(oldest) > youngFor:
			e.Weight, e.Say = LookAtThis, diagnose.Say("in-admin-new", "user", a.User, "registered", a.Registered)
		default:
			continue
		}
		j.tell(e, false)
	}
}

// newKeys looks for application passwords that an intruder made for himself.
func (j *inquiry) newKeys(s Site) {
	for _, k := range s.Keys {
		in, behind := j.after(k.Created)
		if k.Created.IsZero() || !behind || in.user != "" && in.user != k.User {
			continue
		}
		j.tell(Evidence{
			ID: "new-key", Weight: LikelyIn, User: k.User, At: k.Created.Unix(),
			Say: diagnose.Say("in-key-after", "user", k.User, "key", k.Name, "created", k.Created, "at", in.at),
			Do:  diagnose.Say("do-revoke-key", "user", k.User, "key", k.Name),
		}, false)
	}
}
