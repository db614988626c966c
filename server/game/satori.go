package game

import (
	"time"

	"kumi/config"
	"kumi/core/satori"
)

func satoriOptions(cfg *config.Config, metrics Metrics) satori.Options {
	s := &cfg.Satori
	caching := satori.CacheCall
	switch {
	case s.CacheDisabled:
		caching = satori.CacheOff
	case s.CacheMode == "time":
		caching = satori.CacheTime
	}
	o := satori.Options{
		URL: s.URL, APIKeyName: s.APIKeyName, APIKey: string(s.APIKey), SigningKey: string(s.SigningKey), ServerKey: string(s.ServerKey),
		SessionLifetime: time.Duration(cfg.Session.TokenExpirySec) * time.Second,
		Timeout:         config.Milliseconds(s.HTTPTimeoutMs), Retries: s.RetryCount,
		Cache: caching, TTL: time.Duration(s.CacheTTLSec) * time.Second,
	}
	if metrics != nil {
		o.Observe = metrics.SatoriRequest
	}
	return o
}
