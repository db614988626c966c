package nk

import (
	"cmp"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core"
	"kumi/modules/script"
	"kumi/vm"
)

var notificationTable = []vm.Func[*core.Module]{
	{Name: vm.N("notification_send"), Body: notificationSend},
	{Name: vm.N("notification_send_all"), Body: notificationSendAll},
	{Name: vm.N("notifications_send"), Body: notificationsSend},
	{Name: vm.N("notifications_list"), Body: notificationsList},
	{Name: vm.N("notifications_update"), Body: notificationsUpdate},
	{Name: vm.N("notifications_delete"), Body: notificationsDelete},
	{Name: vm.N("notifications_get_id"), Body: notificationsGetID},
	{Name: vm.N("notifications_delete_id"), Body: notificationsDeleteID},
}

var (
	nContent        = vm.N("content")
	nCode           = vm.N("code")
	nID             = vm.N("id")
	nSender         = vm.N("sender")
	nSenderID       = vm.N("sender_id")
	nPersistent     = vm.N("persistent")
	nNotificationID = vm.N("notification_id")
)

// listedNotifications have their content as a string, as in Nakama. In Lua some keys
// exist in camel case as well, which modules expect.
var listedNotifications = script.NewPerLang(func(lang vm.Lang) *vm.Shape[*api.Notification] {
	fields := []vm.Property[*api.Notification]{
		vm.Str("id", (*api.Notification).GetId),
		vm.Str("subject", (*api.Notification).GetSubject),
		vm.Str("content", (*api.Notification).GetContent),
		vm.Int("code", (*api.Notification).GetCode),
		vm.Bool("persistent", (*api.Notification).GetPersistent),
		vm.Str("sender_id", (*api.Notification).GetSenderId),
		vm.Time("create_time", (*api.Notification).GetCreateTime),
	}
	if lang == vm.Lua {
		fields = append(fields,
			vm.Str("senderId", (*api.Notification).GetSenderId),
			vm.Time("createTime", (*api.Notification).GetCreateTime))
	}
	return vm.NewShape(fields...)
})

var notificationShape = vm.NewShape(
	vm.Str("id", func(n *runtime.Notification) string { return n.Id }),
	vm.Int("code", func(n *runtime.Notification) int { return n.Code }),
	vm.Value("content", func(n *runtime.Notification) any { return n.Content }),
	vm.StrOpt("sender_id", func(n *runtime.Notification) string { return n.Sender }),
	vm.Str("subject", func(n *runtime.Notification) string { return n.Subject }),
	vm.Str("user_id", func(n *runtime.Notification) string { return n.UserID }),
	vm.Int("create_time", func(n *runtime.Notification) int64 { return n.CreateTime.GetSeconds() }),
	vm.Bool("persistent", func(n *runtime.Notification) bool { return n.Persistent }),
)

func notificationSend(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	subject := c.StrNonEmpty("subject")
	content := c.Map("content")
	code := c.Int("code")
	sender := c.OptUUID("sender_id", "")
	persistent := c.OptBool("persistent", false)
	if err := c.Err(); err != nil {
		return err
	}
	return nk.NotificationSend(c.Ctx, user, subject, content, int(code), sender, persistent)
}

func notificationSendAll(nk *core.Module, c *vm.Call) error {
	subject := c.StrNonEmpty("subject")
	content := c.Map("content")
	code := c.Int("code")
	persistent := c.OptBool("persistent", false)
	if err := c.Err(); err != nil {
		return err
	}
	return nk.NotificationSendAll(c.Ctx, subject, content, int(code), persistent)
}

func readNotificationSend(o vm.Obj) *runtime.NotificationSend {
	n := &runtime.NotificationSend{
		UserID:     o.UUID(&nUserID),
		Subject:    o.Str(&nSubject),
		Content:    o.OptMap(&nContent),
		Code:       int(o.Int(&nCode)),
		Sender:     o.OptUUID(&nSenderID, ""),
		Persistent: o.OptBool(&nPersistent, false),
	}
	if !o.Has(&nContent) {
		o.Invalid(&nContent, "expected an object")
	}
	return n
}

func notificationsSend(nk *core.Module, c *vm.Call) error {
	list := vm.ListOf(c, "notifications", readNotificationSend)
	if err := c.Err(); err != nil || len(list) == 0 {
		return err
	}
	return nk.NotificationsSend(c.Ctx, list)
}

func notificationsList(nk *core.Module, c *vm.Call) error {
	user := c.UUID("user_id")
	limit := pageLimit(c, 1000)
	cursor := c.OptStr("cursor", "")
	if err := c.Err(); err != nil {
		return err
	}
	list, cursor, err := nk.NotificationsList(c.Ctx, user, limit, cursor)
	return cmp.Or(
		vm.ReturnList(c, "notifications", listedNotifications.In(c.E), list, err),
		c.ReturnStrOrNil("cursor", cursor, err))
}

func readNotificationUpdate(o vm.Obj) runtime.NotificationUpdate {
	return runtime.NotificationUpdate{
		Id: o.UUID(&nID), Subject: o.OptStrPtr(&nSubject), Content: o.OptMap(&nContent), Sender: o.OptStrPtr(&nSender),
	}
}

func notificationsUpdate(nk *core.Module, c *vm.Call) error {
	updates := vm.ListOf(c, "updates", readNotificationUpdate)
	if err := c.Err(); err != nil || len(updates) == 0 {
		return err
	}
	return nk.NotificationsUpdate(c.Ctx, updates...)
}

func readNotificationDelete(o vm.Obj) *runtime.NotificationDelete {
	return &runtime.NotificationDelete{UserID: o.UUID(&nUserID), NotificationID: o.UUID(&nNotificationID)}
}

func notificationsDelete(nk *core.Module, c *vm.Call) error {
	deletes := vm.ListOf(c, "notifications", readNotificationDelete)
	if err := c.Err(); err != nil || len(deletes) == 0 {
		return err
	}
	return nk.NotificationsDelete(c.Ctx, deletes)
}

func notificationsGetID(nk *core.Module, c *vm.Call) error {
	ids, user := c.UUIDs("notification_ids"), c.OptUUID("user_id", "")
	if err := c.Err(); err != nil {
		return err
	}
	found, err := nk.NotificationsGetId(c.Ctx, user, ids)
	return vm.ReturnList(c, "notifications", notificationShape, found, err)
}

func notificationsDeleteID(nk *core.Module, c *vm.Call) error {
	ids, user := c.UUIDs("notification_ids"), c.OptUUID("user_id", "")
	if err := c.Err(); err != nil {
		return err
	}
	return nk.NotificationsDeleteId(c.Ctx, user, ids)
}
