package modules

import (
	"regexp"

	declared "kumi/modules/script/describe"
	"kumi/vm"
)

var (
	noMember  = regexp.MustCompile(`Object has no member '(\w+)'`)
	noneCalls = regexp.MustCompile(`attempt to call a non-function object \((\w+)\)`)
)

// meant adds to an error that shows its source line, and is about a function that nk or the
// like does not have, the function that was probably meant.
func meant(err error) error {
	text := err.Error()
	lang, at := vm.JS, noMember.FindStringSubmatchIndex(text)
	if at == nil {
		lang, at = vm.Lua, noneCalls.FindStringSubmatchIndex(text)
	}
	if at == nil {
		return err
	}
	name := text[at[2]:at[3]]
	for object, kind := range map[string]string{"nk": "Nakama", "initializer": "Initializer", "logger": "Logger"} {
		if !regexp.MustCompile(`\b` + object + `\??\.` + name + `\b`).MatchString(text) {
			continue
		}
		if near, known := declared.Known(lang, kind, name); !known && near != "" {
			return &explained{err: err, text: text[:at[1]] + "; did you mean " + object + "." + near + "?" + text[at[1]:]}
		}
	}
	return err
}
