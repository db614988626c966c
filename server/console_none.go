//go:build no_console

package server

import (
	"context"

	"kumi/modules/httproute"
)

// This is a server without the console: package console is not part of it.

func (s *Server) consoleRoutes() []httproute.Own { return nil }

// openConsole opens nothing, and says so if there is a port for the console.
func (s *Server) openConsole(context.Context) error {
	if s.config.Console.Port != 0 {
		s.log.Warn().Int("console.port", s.config.Console.Port).
			Msg("the console is not part of this server, which was built with the tag no_console; its port is not opened, neither for notifications of stores nor for routes of modules")
	}
	return nil
}
