package core

import (
	"context"

	"github.com/heroiclabs/nakama-common/runtime"
)

// GetSatori implements runtime.NakamaModule. There is no Satori client yet:
// each function of the one returned says so.
func (m *Module) GetSatori() runtime.Satori { return noSatori{} }

type noSatori struct{}

func (noSatori) Authenticate(context.Context, string, map[string]string, map[string]string, bool, ...string) (*runtime.Properties, error) {
	return nil, unbuilt("Satori Authenticate")
}

func (noSatori) IdentityDelete(context.Context, string) error {
	return unbuilt("Satori IdentityDelete")
}

func (noSatori) PropertiesGet(context.Context, string) (*runtime.Properties, error) {
	return nil, unbuilt("Satori PropertiesGet")
}

func (noSatori) PropertiesUpdate(context.Context, string, *runtime.PropertiesUpdate) error {
	return unbuilt("Satori PropertiesUpdate")
}

func (noSatori) EventsPublish(context.Context, string, []*runtime.Event, ...string) error {
	return unbuilt("Satori EventsPublish")
}

func (noSatori) ServerEventsPublish(context.Context, []*runtime.Event, ...string) error {
	return unbuilt("Satori ServerEventsPublish")
}

func (noSatori) ExperimentsList(context.Context, string, []string, []string) (*runtime.ExperimentList, error) {
	return nil, unbuilt("Satori ExperimentsList")
}

func (noSatori) FlagsList(context.Context, string, []string, []string) (*runtime.FlagList, error) {
	return nil, unbuilt("Satori FlagsList")
}

func (noSatori) FlagsOverridesList(context.Context, string, []string, []string) (*runtime.FlagOverridesList, error) {
	return nil, unbuilt("Satori FlagsOverridesList")
}

func (noSatori) LiveEventsList(context.Context, string, []string, []string, int32, int32, int64, int64) (*runtime.LiveEventList, error) {
	return nil, unbuilt("Satori LiveEventsList")
}

func (noSatori) LiveEventJoin(context.Context, string, string) error {
	return unbuilt("Satori LiveEventJoin")
}

func (noSatori) MessagesList(context.Context, string, int, bool, string, []string) (*runtime.MessageList, error) {
	return nil, unbuilt("Satori MessagesList")
}

func (noSatori) MessageUpdate(context.Context, string, string, int64, int64) error {
	return unbuilt("Satori MessageUpdate")
}

func (noSatori) MessageDelete(context.Context, string, string) error {
	return unbuilt("Satori MessageDelete")
}

func (noSatori) ConsoleDirectMessageSend(context.Context, string, []string, []runtime.SatoriMessageIntegration, bool, map[runtime.SatoriMessageIntegration]*runtime.SatoriMessageIntegrationChannels, *runtime.SatoriMessageTemplateOverride) (*runtime.SatoriMessageSendResults, error) {
	return nil, unbuilt("Satori ConsoleDirectMessageSend")
}
