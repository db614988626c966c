package satori

import (
	"context"
	"maps"
	"net/http"

	"github.com/heroiclabs/nakama-common/runtime"
)

// Authenticate implements runtime.Satori: it creates an identity, or updates the
// properties of one that exists. Without noSession Satori counts it as a session.
// The address is that of the player; without one it is the caller's.
func (c *Client) Authenticate(ctx context.Context, id string, defaultProperties, customProperties map[string]string, noSession bool, ipAddress ...string) (*runtime.Properties, error) {
	if err := named("identity id", id); err != nil {
		return nil, err
	}
	body := struct {
		ID        string            `json:"id"`
		Default   map[string]string `json:"default,omitempty"`
		Custom    map[string]string `json:"custom,omitempty"`
		NoSession bool              `json:"no_session,omitempty"`
	}{id, defaultProperties, customProperties, noSession}
	var result struct {
		Properties runtime.Properties `json:"properties"`
	}
	_, err := c.do(ctx, request{method: http.MethodPost, path: "/v1/authenticate", body: body, ip: first(ipAddress)}, &result)
	if err != nil {
		return nil, err
	}
	if len(defaultProperties)+len(customProperties) > 0 {
		c.forget(ctx, id)
	}
	return whole(&result.Properties), nil
}

// IdentityDelete implements runtime.Satori: it deletes an identity with all its data.
func (c *Client) IdentityDelete(ctx context.Context, id string) error {
	return c.act(ctx, request{method: http.MethodDelete, path: "/v1/identity", identity: id})
}

// PropertiesGet implements runtime.Satori. The result is cached for the call at most,
// since game clients change properties too.
func (c *Client) PropertiesGet(ctx context.Context, id string) (*runtime.Properties, error) {
	if err := named("identity id", id); err != nil {
		return nil, err
	}
	cache := c.ofCall(ctx)
	if p, ok := cache.get(c.o.Now(), id, "properties").(*runtime.Properties); ok {
		return copied(p), nil
	}
	begun, p := cache.begin(), &runtime.Properties{}
	size, err := c.do(ctx, request{method: http.MethodGet, path: "/v1/properties", identity: id}, p)
	if err != nil {
		return nil, err
	}
	cache.put(begun, c.o.Now(), c.o.TTL, id, "properties", whole(p), size)
	return copied(p), nil
}

// copied returns a copy that callers may change.
func copied(p *runtime.Properties) *runtime.Properties {
	return &runtime.Properties{Default: maps.Clone(p.Default), Custom: maps.Clone(p.Custom), Computed: maps.Clone(p.Computed)}
}

// PropertiesUpdate implements runtime.Satori. Properties that are not given stay.
func (c *Client) PropertiesUpdate(ctx context.Context, id string, properties *runtime.PropertiesUpdate) error {
	if properties == nil {
		return invalid("expects the properties to update")
	}
	return c.act(ctx, request{method: http.MethodPut, path: "/v1/properties", identity: id, body: properties})
}

// act sends a request that changes something of an identity, so that what is cached
// of it may be outdated.
func (c *Client) act(ctx context.Context, r request) error {
	if err := named("identity id", r.identity); err != nil {
		return err
	}
	defer c.forget(ctx, r.identity) // also after an error: the change may have been made
	_, err := c.do(ctx, r, nil)
	return err
}

// whole makes maps that are missing empty ones: modules index them.
func whole(p *runtime.Properties) *runtime.Properties {
	for _, m := range []*map[string]string{&p.Default, &p.Custom, &p.Computed} {
		if *m == nil {
			*m = map[string]string{}
		}
	}
	return p
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
