package script

import "github.com/rs/zerolog"

var discard = zerolog.Nop()
