package script

import (
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/vm"
)

// getConfig returns the configuration, with the keys of the configuration file in both
// languages.
func getConfig(nk *core.Module, c *vm.Call) error {
	return c.ReturnAny("config", configMap(nk.Config()), nil)
}

type object = map[string]any

func configMap(cfg runtime.Config) object {
	session, socket, social, iap := cfg.GetSession(), cfg.GetSocket(), cfg.GetSocial(), cfg.GetIAP()
	env := make([]any, len(cfg.GetRuntime().GetEnv()))
	for i, e := range cfg.GetRuntime().GetEnv() {
		env[i] = e
	}
	return object{
		"name":               cfg.GetName(),
		"shutdown_grace_sec": int64(cfg.GetShutdownGraceSec()),
		"logger":             object{"level": cfg.GetLogger().GetLevel()},
		"session": object{
			"encryption_key":           session.GetEncryptionKey(),
			"token_expiry_sec":         session.GetTokenExpirySec(),
			"refresh_encryption_key":   session.GetRefreshEncryptionKey(),
			"refresh_token_expiry_sec": session.GetRefreshTokenExpirySec(),
			"single_socket":            session.GetSingleSocket(),
			"single_match":             session.GetSingleMatch(),
			"single_party":             session.GetSingleParty(),
			"single_session":           session.GetSingleSession(),
		},
		"socket": object{
			"server_key": socket.GetServerKey(),
			"port":       int64(socket.GetPort()),
			"address":    socket.GetAddress(),
			"protocol":   socket.GetProtocol(),
		},
		"social": object{
			"steam":                  object{"publisher_key": social.GetSteam().GetPublisherKey(), "app_id": int64(social.GetSteam().GetAppID())},
			"facebook_instant_game":  object{"app_secret": social.GetFacebookInstantGame().GetAppSecret()},
			"facebook_limited_login": object{"app_id": social.GetFacebookLimitedLogin().GetAppId()},
			"apple":                  object{"bundle_id": social.GetApple().GetBundleId()},
		},
		"runtime": object{"env": env, "http_key": cfg.GetRuntime().GetHTTPKey()},
		"iap": object{
			"apple": object{"shared_password": iap.GetApple().GetSharedPassword(), "notifications_endpoint_id": iap.GetApple().GetNotificationsEndpointId()},
			"google": object{
				"client_email":              iap.GetGoogle().GetClientEmail(),
				"private_key":               iap.GetGoogle().GetPrivateKey(),
				"notifications_endpoint_id": iap.GetGoogle().GetNotificationsEndpointId(),
			},
			"huawei":           object{"public_key": iap.GetHuawei().GetPublicKey(), "client_id": iap.GetHuawei().GetClientID(), "client_secret": iap.GetHuawei().GetClientSecret()},
			"facebook_instant": object{"app_secret": iap.GetFacebookInstant().GetAppSecret()},
			"samsung":          object{"package_name": iap.GetSamsung().GetPackageName()},
		},
		"google_auth": object{"credentials_json": cfg.GetGoogleAuth().GetCredentialsJSON()},
		"satori": object{
			"url":          cfg.GetSatori().GetUrl(),
			"api_key_name": cfg.GetSatori().GetApiKeyName(),
			"api_key":      cfg.GetSatori().GetApiKey(),
			"signing_key":  cfg.GetSatori().GetSigningKey(),
		},
	}
}
