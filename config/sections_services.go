package config

// Console holds the listener and the first login of the developer console.
type Console struct {
	Port                     int        `yaml:"port" usage:"Port of the console; 0 turns it off, with the notifications of Apple and Google."`
	Address                  string     `yaml:"address" usage:"Address the console listens on. Empty means all interfaces."`
	MaxMessageSizeBytes      int        `yaml:"max_message_size_bytes" usage:"Maximum size of a console request, in bytes."`
	ReadTimeoutMs            int        `yaml:"read_timeout_ms" usage:"Maximum time to read a console request, in milliseconds."`
	WriteTimeoutMs           int        `yaml:"write_timeout_ms" usage:"Maximum time to write a console response, in milliseconds."`
	IdleTimeoutMs            int        `yaml:"idle_timeout_ms" usage:"Time an idle console connection is kept, in milliseconds."`
	Username                 string     `yaml:"username" usage:"Name of the built-in console user."`
	Password                 Secret     `yaml:"password" usage:"Password of the built-in console user. The default works on the server's own machine only."`
	TokenExpirySec           int64      `yaml:"token_expiry_sec" usage:"Lifetime of a console token in seconds."`
	SigningKey               Secret     `yaml:"signing_key" usage:"Key that signs console tokens. With the default a random one, kept in the database, is used instead."`
	MFA                      ConsoleMFA `yaml:"mfa"`
	MetricsDatabase          bool       `yaml:"metrics_database" usage:"Store the figures of the last day in the database too, a row per minute, so that they survive a restart."`
	Open                     bool       `yaml:"open" usage:"Open the console in this machine's browser at start. kumi dev does on a terminal."`
	Dev                      bool       `yaml:"dev" usage:"Build the console's page from its sources in console/web for each visit, to work on it."`
	DisableDisplayNameSearch bool       `yaml:"disable_display_name_search" usage:"Do not search accounts by display name."`
}

// GRPCPort is the port of the console's gRPC listener: the third below Port.
func (c *Console) GRPCPort() int { return c.Port - 3 }

// ConsoleMFA is accepted for existing files; the mfa section is what counts.
type ConsoleMFA struct {
	StorageEncryptionKey Secret `yaml:"storage_encryption_key" usage:"Replaced by mfa.storage_encryption_key."`
	AdminAccountEnabled  bool   `yaml:"admin_account_enabled" usage:"Replaced by mfa.admin_account_enabled."`
}

// MFA holds the settings of second factors for console logins.
type MFA struct {
	StorageEncryptionKey Secret `yaml:"storage_encryption_key" usage:"Key of 32 bytes that encrypts stored second factors."`
	AdminAccountEnabled  bool   `yaml:"admin_account_enabled" usage:"Ask the built-in console user for a second factor."`
}

// Social holds the credentials of sign-in providers.
type Social struct {
	Steam                SocialSteam                `yaml:"steam"`
	FacebookInstantGame  SocialFacebookInstantGame  `yaml:"facebook_instant_game"`
	FacebookLimitedLogin SocialFacebookLimitedLogin `yaml:"facebook_limited_login"`
	Apple                SocialApple                `yaml:"apple"`
	GameCenter           SocialGameCenter           `yaml:"game_center"`
}

// SocialSteam holds the Steam application.
type SocialSteam struct {
	PublisherKey Secret `yaml:"publisher_key" usage:"Steam publisher key."`
	AppID        int    `yaml:"app_id" usage:"Steam application id."`
}

// SocialFacebookInstantGame holds the Facebook Instant Games application.
type SocialFacebookInstantGame struct {
	AppSecret Secret `yaml:"app_secret" usage:"Facebook Instant Games application secret."`
}

// SocialFacebookLimitedLogin holds the Facebook Limited Login application.
type SocialFacebookLimitedLogin struct {
	AppID string `yaml:"app_id" usage:"Facebook application id that tokens of Limited Login must be for."`
}

// SocialApple holds the Sign in with Apple application.
type SocialApple struct {
	BundleID string `yaml:"bundle_id" usage:"Apple bundle id that tokens of Sign in with Apple must be for."`
}

// SocialGameCenter holds the applications with Game Center.
type SocialGameCenter struct {
	BundleIDs []string `yaml:"bundle_ids" usage:"Bundle that Game Center's proof of a player must be for; repeat for several. None accepts any."`
}

// GoogleAuth holds the OAuth client for Google sign-in.
type GoogleAuth struct {
	CredentialsJSON Secret   `yaml:"credentials_json" usage:"Google OAuth client as JSON text."`
	ClientIDs       []string `yaml:"client_ids" usage:"Google OAuth clients whose ID tokens are accepted, in addition to those of the project of credentials_json. With neither, ID tokens for any app are accepted."`
}

// IAP holds the credentials of the stores that validate purchases.
type IAP struct {
	Apple           IAPApple           `yaml:"apple"`
	Google          IAPGoogle          `yaml:"google"`
	Huawei          IAPHuawei          `yaml:"huawei"`
	FacebookInstant IAPFacebookInstant `yaml:"facebook_instant"`
	Samsung         IAPSamsung         `yaml:"samsung"`
	Development     IAPDevelopment     `yaml:"development"`
}

// IAPDevelopment replaces the stores, for development and tests without accounts there.
type IAPDevelopment struct {
	StoresURL       string `yaml:"stores_url" usage:"FOR DEVELOPMENT ONLY: address of a server that confirms purchases instead of the stores."`
	RootCertificate string `yaml:"root_certificate" usage:"FOR DEVELOPMENT ONLY: PEM file with the root of the certificates that sign instead of Apple."`
}

// IAPApple holds the App Store credentials.
type IAPApple struct {
	SharedPassword          Secret   `yaml:"shared_password" usage:"App Store shared secret."`
	NotificationsEndpointID Secret   `yaml:"notifications_endpoint_id" usage:"Last part of the URL that App Store notifications are sent to."`
	BundleIDs               []string `yaml:"bundle_ids" usage:"Bundle that purchases must be for; repeat for several. None accepts any."`
}

// IAPGoogle holds the Google Play credentials.
type IAPGoogle struct {
	ClientEmail             string `yaml:"client_email" usage:"E-mail of the Google service account."`
	PrivateKey              Secret `yaml:"private_key" usage:"Private key of the Google service account."`
	NotificationsEndpointID Secret `yaml:"notifications_endpoint_id" usage:"Last part of the URL that Google Play notifications are sent to."`
	RefundCheckPeriodMin    int    `yaml:"refund_check_period_min" usage:"Deprecated."`
	PackageName             string `yaml:"package_name" usage:"Deprecated."`
}

// IAPHuawei holds the Huawei AppGallery credentials.
type IAPHuawei struct {
	PublicKey    Secret `yaml:"public_key" usage:"Huawei public key."`
	ClientID     string `yaml:"client_id" usage:"Huawei client id."`
	ClientSecret Secret `yaml:"client_secret" usage:"Huawei client secret."`
}

// IAPFacebookInstant holds the Facebook Instant Games purchase secret.
type IAPFacebookInstant struct {
	AppSecret Secret `yaml:"app_secret" usage:"Facebook Instant Games application secret for purchases."`
}

// IAPSamsung holds the Galaxy Store application.
type IAPSamsung struct {
	PackageName string `yaml:"package_name" usage:"Package a Galaxy Store receipt must be for. Empty accepts any."`
}

// Satori holds the connection to the Satori service.
type Satori struct {
	URL           string `yaml:"url" usage:"Address of the Satori service."`
	APIKeyName    string `yaml:"api_key_name" usage:"Name of the Satori API key."`
	APIKey        Secret `yaml:"api_key" usage:"Satori API key."`
	SigningKey    Secret `yaml:"signing_key" usage:"Key that signs Satori session tokens."`
	ServerKey     Secret `yaml:"server_key" usage:"Key for calls of Satori's console API: sending messages directly."`
	CacheEnabled  bool   `yaml:"cache_enabled" usage:"Deprecated."`
	CacheDisabled bool   `yaml:"cache_disabled" usage:"Do not keep responses of Satori."`
	CacheMode     string `yaml:"cache_mode" usage:"How long responses of lists are kept: context (for one call of a module) or time (for satori.cache_ttl_sec, for all calls)."`
	CacheTTLSec   int    `yaml:"cache_ttl_sec" usage:"Maximum age of a kept response, in seconds."`
	HTTPTimeoutMs int    `yaml:"http_timeout_ms" usage:"Maximum time of one attempt at a request to Satori, in milliseconds."`
	RetryCount    int    `yaml:"retry_count" usage:"Times a request is repeated that Satori did not receive, or was too busy for."`
}
