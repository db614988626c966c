package core

import (
	"context"
	"errors"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/consolepb"
	"kumi/store/fault"
)

// SatoriListTemplates lists the templates of messages of the Satori server, 1 to 100 a
// page, by default 100. FailedPrecondition if Satori is not configured for it.
func (k *Console) SatoriListTemplates(ctx context.Context, in *consolepb.SatoriListTemplatesRequest) (*consolepb.SatoriListTemplatesResponse, error) {
	limit, err := pageSize(in.Limit, 100)
	if err != nil {
		return nil, err
	}
	found, next, err := k.satori.ConsoleMessageTemplates(ctx, limit, in.Cursor)
	if err != nil {
		return nil, satoriError(err)
	}
	out := &consolepb.SatoriListTemplatesResponse{NextCursor: next}
	for _, t := range found {
		out.Templates = append(out.Templates, &consolepb.SatoriListTemplatesResponse_Template{
			Id: t.ID, Name: t.Name, Title: t.Title, Value: t.Value, ImageUrl: t.ImageURL, JsonMetadata: t.JSONMetadata,
		})
	}
	return out, nil
}

// SatoriSendDirectMessage sends a message made of a template to players of the Satori
// server. Errors as in SatoriListTemplates; InvalidArgument without a template or without
// players.
func (k *Console) SatoriSendDirectMessage(ctx context.Context, in *consolepb.SatoriSendDirectMessageRequest) (*consolepb.SatoriSendDirectMessageResponse, error) {
	if !k.satori.Configured() {
		return nil, errNoSatori
	}
	if in.TemplateId == "" || len(in.RecipientIds) == 0 {
		return nil, invalid("A message needs template_id and recipient_ids.")
	}
	integrations := make([]runtime.SatoriMessageIntegration, len(in.Integrations))
	for i, n := range in.Integrations {
		integrations[i] = runtime.SatoriMessageIntegration(n)
	}
	var override *runtime.SatoriMessageTemplateOverride
	if o := in.TemplateOverride; o != nil {
		override = &runtime.SatoriMessageTemplateOverride{Title: o.Title, Value: o.Value, ImageURL: o.ImageUrl, JsonMetadata: o.JsonMetadata}
	}
	sent, err := k.satori.ConsoleDirectMessageSend(ctx, in.TemplateId, in.RecipientIds, integrations, in.Persist, nil, override)
	if err != nil {
		return nil, satoriError(err)
	}
	out := &consolepb.SatoriSendDirectMessageResponse{}
	for _, r := range sent.DeliveryResults {
		result := &consolepb.SatoriSendDirectMessageResponse_Result{RecipientId: r.RecipientID}
		for _, i := range r.IntegrationResults {
			result.IntegrationResults = append(result.IntegrationResults, &consolepb.SatoriSendDirectMessageResponse_Integration{
				IntegrationType: int32(i.IntegrationType), Success: i.Success, ErrorMessage: i.ErrorMessage, ChannelType: int32(i.ChannelType),
			})
		}
		out.DeliveryResults = append(out.DeliveryResults, result)
	}
	return out, nil
}

var errNoSatori = fault.New(fault.FailedPrecondition, "Satori is not configured: the console needs satori.url, its keys and satori.server_key.")

func satoriError(err error) error {
	if errors.Is(err, runtime.ErrSatoriConfigurationInvalid) {
		return errNoSatori
	}
	return err
}

// RegisteredExtensions says which extensions the server has: Satori, if it is configured.
func (k *Console) RegisteredExtensions(context.Context) (*consolepb.Extensions, error) {
	return &consolepb.Extensions{Satori: k.satori.Configured()}, nil
}
