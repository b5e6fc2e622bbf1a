"""METHODS: what the bot can call. Read from top to bottom, it is the extent of the emulation.

A method is a function of one `Call` whose parameters schema.py has read. It returns what the Bot API document says, or
raises a Refusal before anything has changed: a refused call never has half an effect.
"""

from collections.abc import Mapping
from typing import Any, Final

from bot.sandbox.methods.call import Call, Json, Method
from bot.sandbox.methods.changing import (
    answer_callback_query,
    copy_message,
    delete_message,
    delete_messages,
    edit_message_caption,
    edit_message_media,
    edit_message_reply_markup,
    edit_message_text,
    forward_message,
    pin_chat_message,
    repeated,
    set_message_reaction,
    stop_poll,
    unpin_all_chat_messages,
    unpin_chat_message,
)
from bot.sandbox.methods.chats import (
    get_chat,
    get_chat_administrators,
    get_chat_member,
    get_chat_member_count,
    leave_chat,
)
from bot.sandbox.methods.itself import delete_webhook, get_me, get_webhook_info, poll, set_webhook
from bot.sandbox.methods.profile import (
    delete_my_commands,
    get_chat_menu_button,
    get_my_commands,
    gets_name,
    set_chat_menu_button,
    set_my_commands,
    sets_name,
)
from bot.sandbox.methods.sending import (
    send_chat_action,
    send_contact,
    send_location,
    send_media_group,
    send_message,
    send_message_draft,
    send_poll,
    send_venue,
    sends,
)
from bot.sandbox.refusals import absent, bad_request, not_found
from bot.sandbox.schema import FACTS
from bot.sandbox.telegram import DOWNLOAD_LIMIT


def get_file(call: Call) -> Json:
    stored = call.world.files.get(call.params["file_id"])
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(stored.data) > DOWNLOAD_LIMIT:
        raise bad_request("file is too big")
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_size": len(stored.data),
        "file_path": stored.path,
    }


def accepted(call: Call) -> bool:
    """Accept a call: read and check its parameters, and do nothing."""
    if "chat_id" in call.params:
        call.world.chat_of(call.bot, call.params["chat_id"])
    return True


METHODS: Final[Mapping[str, Method]] = {
    # the bot itself and its updates
    "getMe": get_me,
    "getUpdates": poll,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    # sending
    "sendMessage": send_message,
    "sendPhoto": sends("photo"),
    "sendDocument": sends("document"),
    "sendVideo": sends("video"),
    "sendAudio": sends("audio"),
    "sendVoice": sends("voice"),
    "sendAnimation": sends("animation"),
    "sendVideoNote": sends("video_note", captioned=False),
    "sendSticker": sends("sticker", captioned=False),
    "sendMediaGroup": send_media_group,
    "sendLocation": send_location,
    "sendVenue": send_venue,
    "sendContact": send_contact,
    "sendPoll": send_poll,
    "sendChatAction": send_chat_action,
    "sendMessageDraft": send_message_draft,
    "forwardMessage": forward_message,
    "forwardMessages": repeated(forward_message, "forward"),
    "copyMessage": copy_message,
    "copyMessages": repeated(copy_message, "copy"),
    # messages that are there already
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageMedia": edit_message_media,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "stopPoll": stop_poll,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "setMessageReaction": set_message_reaction,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "unpinAllChatMessages": unpin_all_chat_messages,
    "answerCallbackQuery": answer_callback_query,
    # files
    "getFile": get_file,
    # what the bot says of itself
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyName": sets_name("name", 64),
    "getMyName": gets_name("name"),
    "setMyDescription": sets_name("description", 512),
    "getMyDescription": gets_name("description"),
    "setMyShortDescription": sets_name("short_description", 120),
    "getMyShortDescription": gets_name("short_description"),
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
    # chats
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatMemberCount": get_chat_member_count,
    "getChatAdministrators": get_chat_administrators,
    "leaveChat": leave_chat,
    # read and checked, answered True; nothing happens
    "setMyDefaultAdministratorRights": accepted,
    "setMyProfilePhoto": accepted,
    "removeMyProfilePhoto": accepted,
    "setChatTitle": accepted,
    "setChatDescription": accepted,
    "setChatPhoto": accepted,
    "deleteChatPhoto": accepted,
    "setChatPermissions": accepted,
    "banChatMember": accepted,
    "unbanChatMember": accepted,
    "restrictChatMember": accepted,
    "promoteChatMember": accepted,
    "answerInlineQuery": accepted,
    "answerShippingQuery": accepted,
    "answerPreCheckoutQuery": accepted,
    "setUserEmojiStatus": accepted,
    "logOut": accepted,
    "close": accepted,
}

# Answered with nothing of its kind; every other method of the document is read, checked, and then refused as absent.
EMPTY: Final[Mapping[str, Json | list[Json]]] = {
    "getUserProfilePhotos": {"total_count": 0, "photos": []},
    "getUserProfileAudios": {"total_count": 0, "audios": []},
    "getUserChatBoosts": {"boosts": []},
    "getForumTopicIconStickers": [],
    "getCustomEmojiStickers": [],
    "getMyStarBalance": {"amount": 0},
    "getStarTransactions": {"transactions": []},
    "getAvailableGifts": {"gifts": []},
    "getGameHighScores": [],
}


def perform(call: Call) -> Any:
    """The result of one call; awaitable for getUpdates only. Raises Refusal."""
    method = METHODS.get(call.method)
    if method is not None:
        return method(call)
    if call.method in EMPTY:
        return EMPTY[call.method]
    if call.method not in FACTS.methods:
        raise not_found("method not found")
    raise absent(call.method)
