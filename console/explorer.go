package console

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/core"
	"kumi/core/consolepb"
	"kumi/store/fault"
)

// callRPC calls a function that modules registered: as a user, or as another server
// would. An error of the function is part of a successful response.
func callRPC(ctx context.Context, v *visit, in *consolepb.CallApiEndpointRequest) (*consolepb.CallApiEndpointResponse, error) {
	var claims *core.Claims
	if in.UserId != "" {
		account, err := v.Console.GetAccount(ctx, &consolepb.AccountId{Id: in.UserId})
		if err != nil {
			return nil, err
		}
		user := account.Account.User
		id, err := uuid.FromString(user.Id)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "The user's id cannot be read.", err)
		}
		vars := in.SessionVars
		if vars == nil {
			vars = map[string]string{}
		}
		claims = &core.Claims{UserID: id, Username: user.Username, Vars: vars, ExpiresAt: time.Now().Add(time.Hour).Unix()}
	}
	result, message := v.CallRPC(ctx, claims, v.from.Address, in.Method, in.Body)
	return &consolepb.CallApiEndpointResponse{Body: result, ErrorMessage: message}, nil
}
