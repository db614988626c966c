package presence

import "github.com/heroiclabs/nakama-common/rtapi"

func readJSON(frame []byte) *rtapi.Envelope  { return nil }
func readProto(frame []byte) *rtapi.Envelope { return nil }
