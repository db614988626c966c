package nk

import (
	"cmp"
	"context"

	"github.com/heroiclabs/nakama-common/api"

	"kumi/core"
	"kumi/modules/script"
	"kumi/vm"
)

var purchaseTable = []vm.Func[*core.Module]{
	{Name: vm.N("purchase_validate_apple"), Body: validateApple("receipt", purchasesShape, (*core.Module).PurchaseValidateApple)},
	{Name: vm.N("purchase_validate_google"), Body: validateGoogle("purchase", purchasesShape, (*core.Module).PurchaseValidateGoogle)},
	{Name: vm.N("purchase_validate_huawei"), Body: purchaseValidateHuawei},
	{Name: vm.N("purchase_validate_samsung"), Body: validate("purchase_id", (*core.Module).PurchaseValidateSamsung)},
	{Name: vm.N("purchase_validate_facebook_instant"), Body: validate("signed_request", (*core.Module).PurchaseValidateFacebookInstant)},
	{Name: vm.N("purchase_get_by_transaction_id"), Body: purchaseGet},
	{Name: vm.N("purchases_list"), Body: purchasesList},
	{Name: vm.N("subscription_validate_apple"), Body: validateApple("receipt", subscribedShape, (*core.Module).SubscriptionValidateApple)},
	{Name: vm.N("subscription_validate_google"), Body: validateGoogle("receipt", subscribedShape, (*core.Module).SubscriptionValidateGoogle)},
	{Name: vm.N("subscription_get_by_product_id"), Body: subscriptionGet},
	{Name: vm.N("subscriptions_list"), Body: subscriptionsList},
}

var purchasesShape = vm.NewShape(
	vm.List("validated_purchases", script.PurchaseShape, (*api.ValidatePurchaseResponse).GetValidatedPurchases),
)

var subscribedShape = vm.NewShape(
	vm.Made("validated_subscription", vm.Type{Shape: script.SubscriptionShape}, func(e vm.Engine, r *api.ValidateSubscriptionResponse) (vm.Ref, error) {
		return script.SubscriptionShape.Of(e, r.GetValidatedSubscription()), nil
	}),
)

// asked calls a function that waits for a store. The VM does not count as busy meanwhile.
func asked[R any](c *vm.Call, do func() (R, error)) (R, error) {
	defer vm.Waiting(c.Ctx)()
	return do()
}

// validate makes a function that validates what one argument names.
func validate(argument string, do func(nk *core.Module, ctx context.Context, user, receipt string, persist bool) (*api.ValidatePurchaseResponse, error)) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		user, receipt, persist := c.UUID("user_id"), c.StrNonEmpty(argument), c.OptBool("persist", true)
		if err := c.Err(); err != nil {
			return err
		}
		r, err := asked(c, func() (*api.ValidatePurchaseResponse, error) { return do(nk, c.Ctx, user, receipt, persist) })
		return vm.Return(c, "response", purchasesShape, r, err)
	}
}

// validateApple makes the functions for Apple, which take a shared secret.
func validateApple[R any](argument string, shape *vm.Shape[R], do func(nk *core.Module, ctx context.Context, user, receipt string, persist bool, password ...string) (R, error)) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		user, receipt, persist := c.UUID("user_id"), c.StrNonEmpty(argument), c.OptBool("persist", true)
		password := c.OptStr("password_override", "")
		if err := c.Err(); err != nil {
			return err
		}
		r, err := asked(c, func() (R, error) { return do(nk, c.Ctx, user, receipt, persist, password) })
		return vm.Return(c, "response", shape, r, err)
	}
}

// googleOverride has the credentials that a module passes instead of the configured ones.
type googleOverride = struct{ ClientEmail, PrivateKey string }

// validateGoogle makes the functions for Google, which take a service account.
func validateGoogle[R any](argument string, shape *vm.Shape[R], do func(nk *core.Module, ctx context.Context, user, receipt string, persist bool, overrides ...googleOverride) (R, error)) func(*core.Module, *vm.Call) error {
	return func(nk *core.Module, c *vm.Call) error {
		user, receipt, persist := c.UUID("user_id"), c.StrNonEmpty(argument), c.OptBool("persist", true)
		override := googleOverride{ClientEmail: c.OptStr("client_email_override", ""), PrivateKey: c.OptStr("private_key_override", "")}
		if err := c.Err(); err != nil {
			return err
		}
		r, err := asked(c, func() (R, error) { return do(nk, c.Ctx, user, receipt, persist, override) })
		return vm.Return(c, "response", shape, r, err)
	}
}

// purchaseValidateHuawei has its arguments in the order of each language's Nakama.
func purchaseValidateHuawei(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	var receipt, signature string
	if c.E.Lang() == vm.Lua {
		signature = c.StrNonEmpty("signature")
	}
	receipt = c.StrNonEmpty("receipt")
	if c.E.Lang() != vm.Lua {
		signature = c.StrNonEmpty("signature")
	}
	persist := c.OptBool("persist", true)
	if err := c.Err(); err != nil {
		return err
	}
	r, err := asked(c, func() (*api.ValidatePurchaseResponse, error) {
		return nk.PurchaseValidateHuawei(c.Ctx, user, signature, receipt, persist)
	})
	return vm.Return(c, "response", purchasesShape, r, err)
}

func purchaseGet(nk *core.Module, c *vm.Call) error {
	id := c.StrNonEmpty("transaction_id")
	if err := c.Err(); err != nil {
		return err
	}
	p, err := nk.PurchaseGetByTransactionId(c.Ctx, id)
	return vm.Return(c, "purchase", script.PurchaseShape, p, err)
}

func subscriptionGet(nk *core.Module, c *vm.Call) error {
	user, product := c.UUID("user_id"), c.StrNonEmpty("product_id")
	if err := c.Err(); err != nil {
		return err
	}
	s, err := nk.SubscriptionGetByProductId(c.Ctx, user, product)
	return vm.Return(c, "subscription", script.SubscriptionShape, s, err)
}

// boughtPage reads the arguments of the lists. Without a user id they list all users'.
func boughtPage(c *vm.Call) (user string, limit int, cursor string) {
	user, limit = c.OptStr("user_id", ""), int(c.OptInt("limit", 100))
	if limit < 1 || limit > 100 {
		c.Invalid("limit", "expected a number from 1 to 100")
	}
	return user, limit, c.OptStr("cursor", "")
}

func purchasesList(nk *core.Module, c *vm.Call) error {
	user, limit, cursor := boughtPage(c)
	if err := c.Err(); err != nil {
		return err
	}
	list, err := nk.PurchasesList(c.Ctx, user, limit, cursor)
	if err != nil {
		return err
	}
	return cmp.Or(
		vm.ReturnList(c, "validated_purchases", script.PurchaseShape, list.ValidatedPurchases, nil),
		c.ReturnStrOrNil("cursor", list.Cursor, nil),
		c.ReturnStrOrNil("prev_cursor", list.PrevCursor, nil))
}

func subscriptionsList(nk *core.Module, c *vm.Call) error {
	user, limit, cursor := boughtPage(c)
	if err := c.Err(); err != nil {
		return err
	}
	list, err := nk.SubscriptionsList(c.Ctx, user, limit, cursor)
	if err != nil {
		return err
	}
	return cmp.Or(
		vm.ReturnList(c, "validated_subscriptions", script.SubscriptionShape, list.ValidatedSubscriptions, nil),
		c.ReturnStrOrNil("cursor", list.Cursor, nil),
		c.ReturnStrOrNil("prev_cursor", list.PrevCursor, nil))
}
