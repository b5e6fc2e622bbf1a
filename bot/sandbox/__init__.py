"""An emulated Telegram: the Bot API over HTTP, the phones behind it, a clock and faults that can be commanded.

A bot cannot be tested against Telegram itself: people would see it, time cannot be moved, and failures cannot be
ordered. Everything here keeps one promise: what Telegram would refuse is refused here, in Telegram's words, so that
a mistake shows before a person sees it.

    refusals.py  schema.py      what is said no to · methods, parameters and types, from `bot_api.json`
    entities.py  keyboards.py   texts and their entities · keyboards and their limits
    markup.py  markdown.py      a text as it is sent, and Telegram's HTML · its two Markdowns
    telegram.py  people.py      the world: chats, messages, files, updates · what people do on their phones
    clock.py  journal.py        time that can be moved, and bells · what happened, written down
    methods/  updates.py        METHODS, what is emulated · getUpdates and webhooks
    faults.py  control.py       failures on command · the control API under /sandbox
    server.py  client.py        the HTTP server, alone or inside a test · a phone for tests that speak HTTP
"""
