"""What is written to a supplier: where the goods are that should be here, and what to bring, in whole cases. Pure.

Nothing is sent from here, and no text is written: a draft holds what a template needs.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from routing.model.notices import Channel, Notice, NoticeKind
from routing.model.parties import Company, Supplier
from routing.rules.replenishment import Advice

KINDS = (NoticeKind.SUPPLIER_OVERDUE, NoticeKind.SUPPLIER_ORDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One message to one supplier, for a person to read, change and send.

    `supplier` is None for goods whose supplier was never named. `written_on` is the newest ISO day on which one of this
    kind was decided, "" never; `day` is today.
    """

    kind: NoticeKind
    supplier: Supplier | None
    lines: tuple[dict[str, object], ...]
    day: str
    written_on: str = ""

    @property
    def written_today(self) -> bool:
        return self.written_on == self.day

    @property
    def missing(self) -> str:
        """What stands in the way of sending it: "supplier", "address", or "" for nothing."""
        if self.supplier is None:
            return "supplier"
        return "" if self.supplier.email else "address"

    @property
    def mark(self) -> str:
        """Changes when what the message tells changes: a person sends what they saw."""
        told = json.dumps([self.kind.value, self.day, self.supplier and self.supplier.email, self.lines])
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def notice(self, company: Company, *, subject: str = "", text: str = "") -> Notice:
        """For the outbox. `subject` and `text`: as a person left them, otherwise the template writes them.

        Raises ValueError when there is nobody to send it to.
        """
        if self.supplier is None:
            raise ValueError("A message needs a supplier.")
        data: dict[str, object] = {
            "company": company.name,
            "phone": company.phone,
            "supplier": self.supplier.name or self.supplier.number,
            "day": self.day,
            "overdue" if self.kind is NoticeKind.SUPPLIER_OVERDUE else "to_order": list(self.lines),
        }
        if text:
            data["written"] = {"subject": subject, "text": text}
        return Notice(
            kind=self.kind,
            subject_kind="supplier",
            subject_id=self.supplier.id,
            occurrence=self.day,
            recipient=self.supplier.email,
            channel=Channel.EMAIL,
            language=self.supplier.language,
            data=data,
        )


def drafts(
    advice: Iterable[Advice],
    *,
    suppliers: dict[int, Supplier],
    written: dict[tuple[int, str], str],
    day: str,
) -> list[Draft]:
    """At most one draft a supplier and kind, by supplier; what has no supplier comes last.

    What is overdue is asked of who brings it, and only when nobody was named of the usual supplier of the product. By
    hand: 96 of PO-17 were due on 3 March, and 18 on order for 90 wanted leave 72 missing: 6 cases of 12.

        >>> from routing.rules.replenishment import Overdue, SkuFacts, Terms, advise
        >>> late = Overdue(number="PO-17", expected_on="2026-03-03", units=96, supplier_id=2)
        >>> facts = SkuFacts(product_id=1, sku="OAT", name="Oats", unit="pcs", case_pack=12, depot="N", supplier_id=1,
        ...                  supplier="Mill", daily=(10,) * 28, on_hand=40, allocated=40, on_order=24, unallocated=6,
        ...                  stated_lead_days=5, overdue=(late,))
        >>> known = {n: Supplier(id=n, number=f"L-{n}", name="", email="", language="en") for n in (1, 2)}
        >>> for each in drafts([advise(facts, Terms(review_days=4))], suppliers=known, written={}, day="2026-03-05"):
        ...     print(each.supplier.number, each.kind.value, [line["quantity"] for line in each.lines])
        L-1 supplier_order [72]
        L-2 supplier_overdue [96]
    """
    found: dict[tuple[int, NoticeKind], list[dict[str, object]]] = defaultdict(list)
    for each in advice:
        facts = each.facts
        goods: dict[str, object] = {
            "sku": facts.sku, "name": facts.name, "unit": facts.unit, "depot": facts.depot,
        }  # fmt: skip
        for late in facts.overdue:
            line = goods | {"number": late.number, "due": late.expected_on, "quantity": late.units}
            found[late.supplier_id or facts.supplier_id or 0, NoticeKind.SUPPLIER_OVERDUE].append(line)
        if each.order:
            line = goods | {"quantity": each.order, "cases": each.cases, "case_pack": facts.case_pack}
            found[facts.supplier_id or 0, NoticeKind.SUPPLIER_ORDER].append(line)
    made = [
        Draft(
            kind=kind,
            supplier=suppliers.get(supplier_id),
            lines=tuple(
                sorted(lines, key=lambda line: (str(line.get("due", "")), str(line["sku"]), str(line["depot"])))
            ),
            day=day,
            written_on=written.get((supplier_id, kind.value), ""),
        )
        for (supplier_id, kind), lines in found.items()
    ]
    return sorted(made, key=lambda draft: (draft.supplier is None, _called(draft.supplier), KINDS.index(draft.kind)))


def _called(supplier: Supplier | None) -> tuple[str, int]:
    return ("", 0) if supplier is None else (supplier.name or supplier.number, supplier.id)
