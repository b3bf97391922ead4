// Package hint carries advice to the user along with an error.
//
// An error says what was tried and what went wrong. A hint says what the user
// can do about it; the command line prints it on a line of its own, and the
// recorder writes it to the tape as what cannot be seen here.
package hint

import "errors"

// Error is an error with advice.
type Error struct {
	Err  error
	Code string // stable id of the reason, e.g. "access-denied"; may be empty
	Hint string // what the user can do, in English: a command, a grant or a line to change
}

// Wrap adds advice to err. It returns nil for a nil err.
func Wrap(err error, code, advice string) error {
	if err == nil {
		return nil
	}
	return &Error{Err: err, Code: code, Hint: advice}
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error without the advice.
func (e *Error) Unwrap() error { return e.Err }

// Of returns the advice that err carries, or "".
func Of(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Hint
	}
	return ""
}

// CodeOf returns the reason's id that err carries, or "".
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
