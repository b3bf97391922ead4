package wordpress

import (
	"bytes"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"hirune/internal/core/attack"
)

// doesPHP says what a file does when it is requested, as far as its beginning
// tells, and what it is made like: files that a program writes from one template
// have the same shape, whatever data is in them.
func doesPHP(src []byte) (does, shape string) {
	toks := phpTokens(src)
	rest, ended := unguarded(toks)
	switch {
	case ended && !commands(rest):
		return attack.DoesNothing, ""
	case commands(toks):
		return attack.DoesCommands, ""
	case !runs(rest):
		return attack.DoesNothing, ""
	}
	return attack.DoesSome, shapeOf(toks)
}

// phpTokens splits a file up as far as PHP reads it: what is behind
// __halt_compiler is data.
func phpTokens(src []byte) []token {
	if i := bytes.Index(src, []byte("__halt_compiler")); i >= 0 {
		src = src[:i]
	}
	return tokens(src)
}

func word(t token) string {
	if t.kind != kName {
		return ""
	}
	return strings.ToLower(strings.TrimPrefix(t.text, `\`))
}

// unguarded takes off what ends the script when it is requested by itself: exit,
// return, or a test of a constant that WordPress sets. ended says that there was
// one; what comes behind an exit without a condition never runs and is cut off.
func unguarded(toks []token) (rest []token, ended bool) {
	i := 0
	for word(at(toks, i)) == "namespace" || word(at(toks, i)) == "use" || word(at(toks, i)) == "declare" {
		for i < len(toks) && !toks[i].is(";") {
			i++
		}
		i++
	}
	switch word(at(toks, i)) {
	case "exit", "die":
		if plainEnd(toks[i+1:]) {
			return nil, true
		}
	case "if", "defined", "function_exists": // also: defined('ABSPATH') or die
		return toks, guard(toks[i:])
	}
	return toks, false
}

// plainEnd reports whether exit is followed by nothing that is computed.
func plainEnd(toks []token) bool {
	depth := 0
	for _, t := range toks {
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case depth == 0:
			return true // a semicolon, or the next part of PHP, which is not reached
		case t.kind == kNumber, t.kind == kString && !t.mixed:
		default:
			return false
		}
	}
	return true
}

// inside are constants and functions that there are only where WordPress was
// loaded. Of others it is not known that a visitor's request has them not.
var inside = []string{"abspath", "wpinc", "wp_content_dir", "wp_plugin_dir", "wp_uninstall_plugin", "db_name", "add_action", "add_filter", "get_option", "wp_cache_get"}

// guard reports whether a script begins with a test whether WordPress was
// loaded, and ends where it was not.
func guard(toks []token) bool {
	tests, negated := false, false
	for i, t := range toks[:min(len(toks), 40)] {
		switch w := word(t); {
		case w == "defined" || w == "function_exists":
			if !slices.Contains(inside, strings.ToLower(at(toks, i+2).text)) {
				return false
			}
			tests = true
		case t.is("!"):
			negated = true
		case w == "or" || t.is("|") && i > 0:
			negated = true
		case w == "exit" || w == "die" || w == "return":
			return tests && negated && plainReturn(toks[i+1:])
		case t.is("}"), t.kind == kVar:
			return false
		case w == "", w == "if", w == "header", w == "http_response_code", w == "true", w == "false": // said before it ends
		default:
			return false
		}
	}
	return false
}

// plainReturn reports whether what is returned or said at the end is written out.
func plainReturn(toks []token) bool {
	for _, t := range toks {
		switch {
		case t.is(";"), t.is("}"):
			return true
		case t.is("("), t.is(")"), t.kind == kNumber, t.kind == kString && !t.mixed, word(t) == "true", word(t) == "false", word(t) == "null":
		default:
			return false
		}
	}
	return true
}

// harmless are calls in a file that holds data.
var harmless = []string{"array", "define", "defined", "const", "list", "isset", "empty", "dirname", "stdclass", "__set_state", "if", "elseif", "and", "or", "declare", "return"}

// actions are words that do something without being called.
var actions = []string{"echo", "print", "include", "include_once", "require", "require_once", "eval", "new", "exit", "die", "goto", "throw", "unset", "global", "clone"}

// runs reports whether something happens outside of declarations: a call, an
// output, an inclusion.
func runs(toks []token) bool {
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		w := word(t)
		switch {
		case declares(toks, i):
			i = afterBody(toks, i)
		case w == "use" || w == "namespace":
			for i < len(toks) && !toks[i].is(";") && !toks[i].is("{") {
				i++
			}
		case t.is("=") && (i == 0 || toks[i-1].is(";") || toks[i-1].is("}")): // <?=
			return true
		case slices.Contains(actions, w), t.is("`"), t.kind == kString && t.mixed && strings.Contains(t.text, "{$") && strings.Contains(t.text, "("):
			return true
		case at(toks, i+1).is("(") && (t.kind == kVar || t.kind == kString || t.is(")") || t.is("]") || t.is("}")):
			return true
		case at(toks, i+1).is("(") && w != "" && !slices.Contains(harmless, w) && !strings.HasSuffix(w, "::__set_state"):
			return true
		}
	}
	return false
}

// declares reports whether a function, class or the like is declared here.
func declares(toks []token, i int) bool {
	switch word(toks[i]) {
	case "class", "interface", "trait", "enum":
		return at(toks, i+1).kind == kName && (i == 0 || !toks[i-1].is(":"))
	case "function":
		return at(toks, i+1).kind == kName || at(toks, i+1).is("&")
	}
	return false
}

// afterBody is the end of what is declared: the brace that closes it.
func afterBody(toks []token, i int) int {
	depth := 0
	for ; i < len(toks); i++ {
		switch {
		case toks[i].is("{"):
			depth++
		case toks[i].is("}"):
			if depth--; depth <= 0 {
				return i
			}
		case toks[i].is(";") && depth == 0:
			return i
		}
	}
	return i
}

// What executes text or programs, what undoes a disguise, and where a request
// arrives.
var (
	executes = []string{"eval", "assert", "system", "exec", "shell_exec", "passthru", "popen", "proc_open", "pcntl_exec", "create_function", "expect_popen"}
	undoes   = []string{"base64_decode", "gzinflate", "gzuncompress", "gzdecode", "str_rot13", "hex2bin", "convert_uudecode", "strrev"}
	arrives  = []string{"_GET", "_POST", "_REQUEST", "_COOKIE", "_FILES"}
	headers  = []string{"getallheaders", "apache_request_headers"}
)

// commands reports whether a file runs what a request brings, or text that it
// carries in disguise.
func commands(toks []token) bool {
	request, disguise, exec, evals := false, false, false, false
	for i, t := range toks {
		w := word(t)
		called := at(toks, i+1).is("(") && (i == 0 || !toks[i-1].is(">") && !toks[i-1].is(":") && word(toks[i-1]) != "function" && word(toks[i-1]) != "new")
		switch {
		case t.kind == kVar && slices.Contains(arrives, t.text):
			if calledElement(toks[i+1:]) || included(toks, i) {
				return true
			}
			request = true
		case t.kind == kString && (strings.EqualFold(t.text, "php://input") || slices.ContainsFunc(arrives, func(a string) bool { return t.text == a || t.mixed && strings.Contains(t.text, "$"+a) })),
			called && slices.Contains(headers, w):
			request = true
		case called && slices.Contains(undoes, w):
			disguise = true
		case called && (w == "eval" || w == "assert" || w == "create_function"):
			exec, evals = true, true
		case called && slices.Contains(executes, w):
			exec = true
		case t.is("`"):
			exec = true
		}
	}
	return request && exec || disguise && evals
}

// calledElement reports whether ['x'](…) follows: a function named by a request.
func calledElement(toks []token) bool {
	depth := 0
	for i, t := range toks[:min(len(toks), 24)] {
		switch {
		case t.is("["), t.is("{"):
			depth++
		case t.is("]"), t.is("}"):
			if depth--; depth == 0 {
				return at(toks, i+1).is("(")
			}
		case depth == 0:
			return false
		}
	}
	return false
}

// included reports whether the variable names a file that is included.
func included(toks []token, i int) bool {
	for j := i - 1; j >= max(0, i-3); j-- {
		switch w := word(toks[j]); {
		case w == "include" || w == "include_once" || w == "require" || w == "require_once":
			return true
		case !toks[j].is("(") && !toks[j].is("@"):
			return false
		}
	}
	return false
}

// shapeOf is what remains of a file without its data.
func shapeOf(toks []token) string {
	h := fnv.New64a()
	for _, t := range toks[:min(len(toks), 400)] {
		text := t.text
		if t.kind == kString || t.kind == kNumber {
			text = ""
		}
		h.Write([]byte{byte(t.kind)})
		h.Write([]byte(text))
	}
	return strconv.FormatUint(h.Sum64(), 16)
}
