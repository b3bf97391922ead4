package wordpress

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Errors of moving an event. The option is then as it was.
var (
	// ErrNoEvent says that the hook is not due at that moment: it has run, or
	// somebody else has moved it.
	ErrNoEvent = errors.New("no such event in WordPress' schedule")
	// ErrTaken says that the same event is due at the new moment already.
	ErrTaken = errors.New("the event is in WordPress' schedule at that moment already")
)

// MoveEvent moves the events of a hook that are due at from, in unix seconds, to
// another moment, and returns the option cron anew. Arguments, their hash,
// schedule and interval stay; every other event stays byte for byte, in the order
// of time. WordPress keeps the phase when it schedules the event again, so a daily
// event stays at its new time of day.
//
// It returns ErrNoEvent, ErrTaken, or ErrSerialized where the option is not
// wholly understood: objects and references are never written.
// Source: _set_cron_array and wp_schedule_event, version 2 of the option.
func MoveEvent(option, hook string, from, to int64) (string, error) {
	moved, err := moveEvent(option, hook, from, to)
	if err != nil {
		return "", fmt.Errorf("move %s in WordPress' schedule: %w", printable(hook), err)
	}
	return moved, nil
}

func moveEvent(option, hook string, from, to int64) (string, error) {
	if to <= 0 || from == to {
		return "", fmt.Errorf("%w: there is nothing to move to %d", ErrNoEvent, to)
	}
	when, err := readKept(option)
	if err != nil {
		return "", err
	}
	if err := isSchedule(when); err != nil {
		return "", err
	}
	calls, err := when.take(from, hook)
	if err != nil {
		return "", err
	}
	if err := when.put(to, hook, calls); err != nil {
		return "", err
	}
	var b strings.Builder
	when.write(&b)
	return b.String(), nil
}

// isSchedule reports what keeps the value from being a schedule of version 2.
func isSchedule(v *kept) error {
	if !v.array || v.at("version") < 0 || v.items[v.at("version")].value.raw != "i:2;" {
		return fmt.Errorf("%w: it is no schedule of version 2", ErrSerialized)
	}
	last := int64(0)
	for i, it := range v.items {
		switch {
		case it.key == "version" && !it.number:
			continue
		case !it.number || !it.value.array:
			return fmt.Errorf("%w: element %d is no time with its hooks", ErrSerialized, i)
		}
		due, err := strconv.ParseInt(it.key, 10, 64)
		if err != nil || due <= last {
			return fmt.Errorf("%w: its times are not in order", ErrSerialized)
		}
		last = due
	}
	return nil
}

// take removes the hook's events at a moment and returns them.
func (v *kept) take(due int64, hook string) (*kept, error) {
	i := v.at(strconv.FormatInt(due, 10))
	if i < 0 {
		return nil, ErrNoEvent
	}
	hooks := v.items[i].value
	j := hooks.at(hook)
	if j < 0 {
		return nil, ErrNoEvent
	}
	calls := hooks.items[j].value
	if !calls.array || len(calls.items) == 0 {
		return nil, fmt.Errorf("%w: the hook has no events", ErrSerialized)
	}
	hooks.items = slices.Delete(hooks.items, j, j+1)
	if len(hooks.items) == 0 {
		v.items = slices.Delete(v.items, i, i+1)
	}
	return calls, nil
}

// put adds the hook's events at a moment, beside what is there.
func (v *kept) put(due int64, hook string, calls *kept) error {
	key := strconv.FormatInt(due, 10)
	i := v.at(key)
	if i < 0 {
		i = slices.IndexFunc(v.items, func(it keptItem) bool {
			n, err := strconv.ParseInt(it.key, 10, 64)
			return it.number && err == nil && n > due
		})
		if i < 0 { // behind the last time; "version" comes after all of them
			i = v.at("version")
		}
		v.items = slices.Insert(v.items, i, keptItem{key: key, number: true, value: &kept{array: true}})
	}
	hooks := v.items[i].value
	j := hooks.at(hook)
	if j < 0 {
		hooks.items = append(hooks.items, keptItem{key: hook, value: calls})
		return nil
	}
	have := hooks.items[j].value
	if !have.array {
		return fmt.Errorf("%w: the hook has no events", ErrSerialized)
	}
	for _, c := range calls.items {
		if have.at(c.key) >= 0 {
			return ErrTaken
		}
		have.items = append(have.items, c)
	}
	return nil
}
