package api

// pending lists the methods of the protocol that are not implemented yet. They fail
// with Unimplemented, over REST and gRPC alike, and the message names the method. To
// implement one, move its line to table.
var pending = []struct {
	name     string
	bindings []binding
}{
	{"AuthenticateApple", []binding{post("/v2/account/authenticate/apple", "account")}},
	{"AuthenticateFacebook", []binding{post("/v2/account/authenticate/facebook", "account")}},
	{"AuthenticateFacebookInstantGame", []binding{post("/v2/account/authenticate/facebookinstantgame", "account")}},
	{"AuthenticateGameCenter", []binding{post("/v2/account/authenticate/gamecenter", "account")}},
	{"AuthenticateGoogle", []binding{post("/v2/account/authenticate/google", "account")}},
	{"AuthenticateSteam", []binding{post("/v2/account/authenticate/steam", "account")}},
	{"LinkApple", []binding{post("/v2/account/link/apple", "*")}},
	{"LinkFacebook", []binding{post("/v2/account/link/facebook", "account")}},
	{"LinkFacebookInstantGame", []binding{post("/v2/account/link/facebookinstantgame", "*")}},
	{"LinkGameCenter", []binding{post("/v2/account/link/gamecenter", "*")}},
	{"LinkGoogle", []binding{post("/v2/account/link/google", "*")}},
	{"LinkSteam", []binding{post("/v2/account/link/steam", "*")}},
	{"UnlinkApple", []binding{post("/v2/account/unlink/apple", "*")}},
	{"UnlinkFacebook", []binding{post("/v2/account/unlink/facebook", "*")}},
	{"UnlinkFacebookInstantGame", []binding{post("/v2/account/unlink/facebookinstantgame", "*")}},
	{"UnlinkGameCenter", []binding{post("/v2/account/unlink/gamecenter", "*")}},
	{"UnlinkGoogle", []binding{post("/v2/account/unlink/google", "*")}},
	{"UnlinkSteam", []binding{post("/v2/account/unlink/steam", "*")}},
	{"ImportFacebookFriends", []binding{post("/v2/friend/facebook", "account")}},
	{"ImportSteamFriends", []binding{post("/v2/friend/steam", "account")}},
	{"ValidatePurchaseApple", []binding{post("/v2/iap/purchase/apple", "*")}},
	{"ValidatePurchaseGoogle", []binding{post("/v2/iap/purchase/google", "*")}},
	{"ValidatePurchaseHuawei", []binding{post("/v2/iap/purchase/huawei", "*")}},
	{"ValidatePurchaseFacebookInstant", []binding{post("/v2/iap/purchase/facebookinstant", "*")}},
	{"ValidatePurchaseSamsung", []binding{post("/v2/iap/purchase/samsung", "*")}},
	{"ValidateSubscriptionApple", []binding{post("/v2/iap/subscription/apple", "*")}},
	{"ValidateSubscriptionGoogle", []binding{post("/v2/iap/subscription/google", "*")}},
	{"ListSubscriptions", []binding{post("/v2/iap/subscription", "*")}},
	{"GetSubscription", []binding{get("/v2/iap/subscription/{product_id}")}},
}
