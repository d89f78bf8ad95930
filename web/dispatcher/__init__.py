"""The dispatcher's pages, a file a page. `create_app` registers what stands here."""

from __future__ import annotations

BLUEPRINTS = (
    "web.dispatcher.today:today",
    "web.dispatcher.receipts:receipts",
    "web.dispatcher.supply:supply",
    "web.dispatcher.replenish:replenish",
    "web.dispatcher.stock:stock",
    "web.dispatcher.imports:imports",
    "web.dispatcher.exports:exports",
    "web.dispatcher.release:release",
    "web.dispatcher.warehouse:warehouse",
    "web.dispatcher.shelves:shelves",
    "web.dispatcher.addresses:addresses",
    "web.dispatcher.board_events:board",
    "web.dispatcher.regions:regions",
    "web.dispatcher.papers:papers",
    "web.dispatcher.evening:evening",
    "web.dispatcher.correcting:correcting",
    "web.dispatcher.orders:orders",
    "web.dispatcher.slots:slots",
    "web.dispatcher.backorders:backorders",
    "web.dispatcher.search:search",
    "web.dispatcher.tasks:tasks",
    "web.dispatcher.messages:messages",
    "web.dispatcher.figures:figures",
    "web.dispatcher.policies:policies",
    "web.dispatcher.calendars:calendars",
    "web.dispatcher.fleet:fleet",
    "web.dispatcher.settings:settings",
)
