package server

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"

	"kumi/config"
	"kumi/core"
	"kumi/hooks"
	"kumi/store/fault"
)

// notificationRoutes are the paths on the console's port where stores deliver their
// notifications, if the configuration has an endpoint for them.
func (s *Server) notificationRoutes() map[string]http.HandlerFunc {
	routes := map[string]http.HandlerFunc{}
	s.addNotifications(routes, "apple", s.config.IAP.Apple.NotificationsEndpointID, s.game.Core.AppleNotification)
	s.addNotifications(routes, "google", s.config.IAP.Google.NotificationsEndpointID, s.game.Core.GoogleNotification)
	return routes
}

// addNotifications adds the two paths of a store, of which the older one has the name
// subscriptions. What follows the name is a secret of the configuration, with or without
// slashes; without one the paths do not exist.
func (s *Server) addNotifications(routes map[string]http.HandlerFunc, storeName string, secret config.Secret, deliver func(context.Context, []byte, core.NotificationHandlers) error) {
	if secret == "" {
		return
	}
	handle := func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.PathValue("id")), []byte(secret)) == 0 {
			http.NotFound(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			writeFault(w, fault.Wrap(fault.InvalidArgument, "the body cannot be read", err))
			return
		}
		if err := deliver(r.Context(), body, s.notificationHandlers()); err != nil {
			s.log.Warn().Err(err).Str("store", storeName).Msg("a store's notification was not handled, the store will deliver it again")
			writeFault(w, err)
		}
	}
	for _, name := range []string{"notifications", "subscriptions"} {
		routes["POST /v2/console/"+storeName+"/"+name+"/{id...}"] = handle
	}
}

// writeFault answers with an error. Stores deliver again after any of them.
func writeFault(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	switch fault.CodeOf(err) {
	case fault.InvalidArgument, fault.FailedPrecondition:
		status = http.StatusBadRequest
	case fault.Unauthenticated:
		status = http.StatusUnauthorized
	case fault.NotFound:
		status = http.StatusNotFound
	case fault.Unavailable:
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": fault.CodeOf(err), "message": fault.MessageOf(err, "the notification was not handled")})
}

// notificationHandlers are those of the modules that are loaded now.
func (s *Server) notificationHandlers() (h core.NotificationHandlers) {
	single := &s.set.Load().Hooks.Single
	h.PurchaseApple = notificationHandler(s, single.PurchaseApple, "purchase_notification_apple")
	h.PurchaseGoogle = notificationHandler(s, single.PurchaseGoogle, "purchase_notification_google")
	h.SubscriptionApple = notificationHandler(s, single.SubscriptionApple, "subscription_notification_apple")
	h.SubscriptionGoogle = notificationHandler(s, single.SubscriptionGoogle, "subscription_notification_google")
	return h
}

// notificationHandler gives a handler its execution mode; nil if there is none.
func notificationHandler[K, T, P any](s *Server, slot *hooks.Slot[func(context.Context, K, T, P) error], mode string) func(context.Context, K, T, P) error {
	if slot == nil {
		return nil
	}
	return func(ctx context.Context, kind K, what T, payload P) error {
		return slot.Call(core.WithMode(ctx, s.scope, mode), kind, what, payload)
	}
}
