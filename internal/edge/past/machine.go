package past

import (
	"context"
	"errors"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/sysstat"
)

// Machine returns the state of the machine as sysstat kept it; nothing where it
// is not installed or was never switched on.
func Machine(ctx context.Context, in In) ([]evidence.Record, error) {
	sadf := sysstat.Sadf()
	if sadf == "" {
		return nil, nil // most servers have none
	}
	var out []evidence.Record
	var errs []error
	for _, dir := range sysstat.Dirs {
		for _, file := range sysstat.Files(dir, in.Since) {
			if !alive(ctx) {
				return out, errors.Join(append(errs, ctx.Err())...)
			}
			errs = append(errs, sysstat.Read(ctx, sadf, file, func(h sysstat.Host) {
				if in.holds(h.At) {
					out = append(out, evidence.Record{At: h.At, Source: "sysstat", Fact: h.Fact})
				}
			}))
		}
	}
	return out, errors.Join(errs...)
}
