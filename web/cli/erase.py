"""`backroute erase`: photos and signatures of proofs are erased, by their term or because somebody asked for it."""

from __future__ import annotations

import click

from data.erasing import remove_erased
from data.queries.backorders import customer_called
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import InvalidInput
from routing.model.proofs import HeldFile
from routing.rules.erasing import KEPT_FOR, erased_because
from routing.services.erasing import Erased, erase_files, erase_kept_long_enough, kept_long_enough, look_at
from web.cli.output import clean, counted, json_option, print_json
from web.cli.values import BY
from web.wiring import open_installation

MOST_NAMED = 12


@click.command("erase")
@click.argument("delivery", required=False)
@click.option("--customer", help="Number or name of one: of every delivery with goods of theirs.")
@click.option("--kind", type=click.Choice(sorted(KEPT_FOR)), help="Only these; both, if nothing is said.")
@click.option("--why", help="Who asked for it and why; it stands with the orders. Needed with DELIVERY or --customer.")
@click.option("--simulate", is_flag=True, help="Show what would be erased, and change nothing.")
@json_option
def erase_command(
    delivery: str | None, customer: str | None, kind: str | None, why: str | None, simulate: bool, as_json: bool
) -> None:
    """Erase photos and signatures of the proofs of DELIVERY (its number), or of a customer, for good.

    With neither: what was kept longer than the policies photos_days and signatures_days say, as each night does by
    itself, and what an erasing that was broken off has left.

    A file that another proof has too stays there. What the proof says, its time and its place in the chain of events
    stay. Backups made before have them still.

    \b
    backroute erase D-000017 --why "asked for by the customer, by phone" --simulate
    backroute erase --customer C-12 --kind photo --why "their request of 3 March"
    """
    if delivery is not None and customer is not None:
        raise InvalidInput("Name a delivery or a customer, not both.", code="erase")
    asked = delivery is not None or customer is not None
    if not asked and (why is not None or kind is not None):
        raise InvalidInput(
            "Name a delivery or a customer: what was kept too long is erased by its policy.", code="erase"
        )
    reason = erased_because(why or "") if asked else ""
    with open_installation() as here:
        now = here.clock.now()

        def found(store: SqlStore) -> list[HeldFile]:
            if not asked:
                return kept_long_enough(store, now=now)
            kinds = [kind] if kind else []
            if delivery is not None:
                return store.files_of(delivery_id=store.delivery_called(delivery), kinds=kinds)
            key, _number, _name = customer_called(store.connection, (customer or "").strip())
            return store.files_of(customer_ids=[key], kinds=kinds)

        def work(store: SqlStore) -> Erased:
            if not asked:
                return erase_kept_long_enough(store, now=now, by=BY)
            return erase_files(store, found(store), why=reason, by=BY, now=now)

        if simulate:
            with here.database.reading() as connection:
                store = SqlStore(connection)
                done, removed = look_at(store, found(store)), 0
        else:
            done = in_transaction(here.database, work)
            removed = remove_erased(here.database, here.files)
    if as_json:
        print_json(
            {
                "simulated": simulate,
                "why": reason,
                "files": done.by_kind,
                "deliveries": done.deliveries,
                "kept_for_others": dict(done.elsewhere),
                "removed": removed,
            }
        )
        return
    _say(done, simulate=simulate)


def _say(done: Erased, *, simulate: bool) -> None:
    if not done.files:
        click.echo("Nothing is to be erased." if simulate else "Nothing was to be erased.")
        return
    what = " and ".join(counted(number, kind) for kind, number in done.by_kind.items())
    names = ", ".join(done.deliveries[:MOST_NAMED])
    more = f" and {len(done.deliveries) - MOST_NAMED} more" if len(done.deliveries) > MOST_NAMED else ""
    is_one = sum(done.by_kind.values()) == 1
    verb = "would be" if simulate else "is" if is_one else "are"
    click.echo(clean(f"{what} of {names}{more} {verb} erased."))
    if done.elsewhere:
        click.echo(clean(f"Kept, because their proofs have them too: {', '.join(list(done.elsewhere)[:MOST_NAMED])}."))
