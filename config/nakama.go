package config

import "github.com/heroiclabs/nakama-common/runtime"

// The getters below implement runtime.Config for modules. The server's own
// code reads the fields.
var _ runtime.Config = (*Config)(nil)

func (c *Config) GetName() string                         { return c.Name }
func (c *Config) GetShutdownGraceSec() int                { return c.ShutdownGraceSec }
func (c *Config) GetLogger() runtime.LoggerConfig         { return &c.Logger }
func (c *Config) GetSession() runtime.SessionConfig       { return &c.Session }
func (c *Config) GetSocket() runtime.SocketConfig         { return &c.Socket }
func (c *Config) GetSocial() runtime.SocialConfig         { return &c.Social }
func (c *Config) GetRuntime() runtime.RuntimeConfig       { return &c.Runtime }
func (c *Config) GetIAP() runtime.IAPConfig               { return &c.IAP }
func (c *Config) GetGoogleAuth() runtime.GoogleAuthConfig { return &c.GoogleAuth }
func (c *Config) GetSatori() runtime.SatoriConfig         { return &c.Satori }

func (l *Logger) GetLevel() string { return l.Level }

func (s *Session) GetEncryptionKey() string        { return string(s.EncryptionKey) }
func (s *Session) GetTokenExpirySec() int64        { return s.TokenExpirySec }
func (s *Session) GetRefreshEncryptionKey() string { return string(s.RefreshEncryptionKey) }
func (s *Session) GetRefreshTokenExpirySec() int64 { return s.RefreshTokenExpirySec }
func (s *Session) GetSingleSocket() bool           { return s.SingleSocket }
func (s *Session) GetSingleMatch() bool            { return s.SingleMatch }
func (s *Session) GetSingleParty() bool            { return s.SingleParty }
func (s *Session) GetSingleSession() bool          { return s.SingleSession }

func (s *Socket) GetServerKey() string { return string(s.ServerKey) }
func (s *Socket) GetPort() int         { return s.Port }
func (s *Socket) GetAddress() string   { return s.Address }
func (s *Socket) GetProtocol() string  { return s.Protocol }

func (s *Social) GetSteam() runtime.SocialConfigSteam { return &s.Steam }
func (s *Social) GetFacebookInstantGame() runtime.SocialConfigFacebookInstantGame {
	return &s.FacebookInstantGame
}
func (s *Social) GetFacebookLimitedLogin() runtime.SocialConfigFacebookLimitedLogin {
	return &s.FacebookLimitedLogin
}
func (s *Social) GetApple() runtime.SocialConfigApple { return &s.Apple }

func (s *SocialSteam) GetPublisherKey() string            { return string(s.PublisherKey) }
func (s *SocialSteam) GetAppID() int                      { return s.AppID }
func (s *SocialFacebookInstantGame) GetAppSecret() string { return string(s.AppSecret) }
func (s *SocialFacebookLimitedLogin) GetAppId() string    { return s.AppID }
func (s *SocialApple) GetBundleId() string                { return s.BundleID }

func (r *Runtime) GetEnv() []string   { return r.Env }
func (r *Runtime) GetHTTPKey() string { return string(r.HTTPKey) }

func (i *IAP) GetApple() runtime.IAPAppleConfig                     { return &i.Apple }
func (i *IAP) GetGoogle() runtime.IAPGoogleConfig                   { return &i.Google }
func (i *IAP) GetHuawei() runtime.IAPHuaweiConfig                   { return &i.Huawei }
func (i *IAP) GetFacebookInstant() runtime.IAPFacebookInstantConfig { return &i.FacebookInstant }
func (i *IAP) GetSamsung() runtime.IAPSamsungConfig                 { return &i.Samsung }

func (i *IAPApple) GetSharedPassword() string           { return string(i.SharedPassword) }
func (i *IAPApple) GetNotificationsEndpointId() string  { return string(i.NotificationsEndpointID) }
func (i *IAPGoogle) GetClientEmail() string             { return i.ClientEmail }
func (i *IAPGoogle) GetPrivateKey() string              { return string(i.PrivateKey) }
func (i *IAPGoogle) GetNotificationsEndpointId() string { return string(i.NotificationsEndpointID) }
func (i *IAPHuawei) GetPublicKey() string               { return string(i.PublicKey) }
func (i *IAPHuawei) GetClientID() string                { return i.ClientID }
func (i *IAPHuawei) GetClientSecret() string            { return string(i.ClientSecret) }
func (i *IAPFacebookInstant) GetAppSecret() string      { return string(i.AppSecret) }
func (i *IAPSamsung) GetPackageName() string            { return i.PackageName }

func (g *GoogleAuth) GetCredentialsJSON() string { return string(g.CredentialsJSON) }

func (s *Satori) GetUrl() string        { return s.URL }
func (s *Satori) GetApiKeyName() string { return s.APIKeyName }
func (s *Satori) GetApiKey() string     { return string(s.APIKey) }
func (s *Satori) GetSigningKey() string { return string(s.SigningKey) }
