package satori

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/heroiclabs/nakama-common/runtime"
)

// MessagesList implements runtime.Satori: it lists the messages of an identity, or
// those with the given ids. Messages are never cached.
func (c *Client) MessagesList(ctx context.Context, id string, limit int, forward bool, cursor string, messageIDs []string) (*runtime.MessageList, error) {
	if err := named("identity id", id); err != nil {
		return nil, err
	}
	if limit < 1 {
		return nil, invalid("limit must be greater than zero")
	}
	query := url.Values{"limit": {strconv.Itoa(limit)}, "forward": {strconv.FormatBool(forward)}, "message_ids": messageIDs}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	list := &runtime.MessageList{}
	if _, err := c.do(ctx, request{method: http.MethodGet, path: "/v1/message", identity: id, query: query}, list); err != nil {
		return nil, err
	}
	if list.Messages == nil {
		list.Messages = []*runtime.Message{}
	}
	return list, nil
}

// MessageUpdate implements runtime.Satori. Times are in Unix seconds; 0 leaves a time
// as it is.
func (c *Client) MessageUpdate(ctx context.Context, id, messageId string, readTime, consumeTime int64) error {
	return c.message(ctx, http.MethodPut, id, messageId, &runtime.MessageUpdate{ReadTime: readTime, ConsumeTime: consumeTime})
}

// MessageDelete implements runtime.Satori.
func (c *Client) MessageDelete(ctx context.Context, id, messageId string) error {
	return c.message(ctx, http.MethodDelete, id, messageId, nil)
}

func (c *Client) message(ctx context.Context, method, id, messageID string, body any) error {
	if err := named("identity id", id); err != nil {
		return err
	}
	if err := named("message id", messageID); err != nil {
		return err
	}
	_, err := c.do(ctx, request{method: method, path: "/v1/message/" + url.PathEscape(messageID), route: "/v1/message/{id}", identity: id, body: body}, nil)
	return err
}

// ConsoleDirectMessageSend implements runtime.Satori: it sends a message made of a
// template to identities, through the given integrations. It needs satori.server_key.
// If there is no response it is not repeated, as it may have been sent.
func (c *Client) ConsoleDirectMessageSend(ctx context.Context, templateId string, recipientIDs []string, integrations []runtime.SatoriMessageIntegration, persist bool, channels map[runtime.SatoriMessageIntegration]*runtime.SatoriMessageIntegrationChannels, templateOverride *runtime.SatoriMessageTemplateOverride) (*runtime.SatoriMessageSendResults, error) {
	body := struct {
		Template     string                                                                         `json:"template_id,omitempty"`
		Identities   []string                                                                       `json:"identity_ids,omitempty"`
		Integrations []runtime.SatoriMessageIntegration                                             `json:"integrations,omitempty"`
		Persist      bool                                                                           `json:"persist,omitempty"`
		Channels     map[runtime.SatoriMessageIntegration]*runtime.SatoriMessageIntegrationChannels `json:"channels,omitempty"`
		Override     *runtime.SatoriMessageTemplateOverride                                         `json:"template_override,omitempty"`
	}{templateId, recipientIDs, integrations, persist, channels, templateOverride}
	results := &runtime.SatoriMessageSendResults{}
	_, err := c.do(ctx, request{method: http.MethodPost, path: "/v1/console/message-direct", console: true, body: body, once: true}, results)
	if err != nil {
		return nil, err
	}
	return results, nil
}

// MessageTemplate is what messages are made of.
type MessageTemplate struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Title        string `json:"title"`
	Value        string `json:"value"`
	ImageURL     string `json:"image_url"`
	JSONMetadata string `json:"json_metadata"`
}

// ConsoleMessageTemplates lists templates, and returns the cursor of the next page. It
// needs satori.server_key.
func (c *Client) ConsoleMessageTemplates(ctx context.Context, limit int, cursor string) ([]MessageTemplate, string, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	var found struct {
		Templates []MessageTemplate `json:"templates"`
		Cursor    string            `json:"cursor"`
	}
	_, err := c.do(ctx, request{method: http.MethodGet, path: "/v1/console/message-template", console: true, query: query}, &found)
	return found.Templates, found.Cursor, err
}
