package benchmodule

import (
	"context"
	"database/sql"
	"regexp"

	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
)

var rude = regexp.MustCompile(`darn|heck|blast`)

// filter replaces words in chat messages, as the scripts in filter/ do.
func filter(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	message := in.GetChannelMessageSend()
	message.Content = rude.ReplaceAllString(message.Content, "****")
	return in, nil
}
