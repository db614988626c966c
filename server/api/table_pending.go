package api

// pending lists the methods of the protocol that are not implemented yet. They fail
// with Unimplemented, over REST and gRPC alike, and the message names the method. To
// implement one, move its line to table.
var pending = []struct {
	name     string
	bindings []binding
}{
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
