"""What a driver's licence is good for, by the weight of the vehicle laden: B up to 3.5 t, C1 up to 7.5 t, C above."""

from __future__ import annotations

import re

_MOST_KG = {"B": 3_500, "BE": 3_500, "C1": 7_500, "C1E": 7_500}
_ANY_WEIGHT = {"C", "CE"}
_CATEGORY = re.compile(r"[A-Z]+[0-9]*[A-Z]*")


def most_kg(licence: str) -> int | None:
    """The heaviest vehicle that a licence is good for, laden; None where it is not known, or any.

    It is what somebody typed: several categories may stand there, and what says nothing of weight is passed over.

    >>> [most_kg(each) for each in ("B", "b, c1", "A B C", "C1+E", "D1", "since 2011", "")]
    [3500, 7500, None, 7500, None, None, None]
    """
    said = set(_CATEGORY.findall(licence.upper().replace("+", "")))
    if said & _ANY_WEIGHT:
        return None
    return max((most for category, most in _MOST_KG.items() if category in said), default=None)


def too_heavy(*, driver: str, licence: str, vehicle: str, gross_kg: int | None) -> str:
    """Why this driver may not drive that vehicle; "" where they may, or the weight or the licence is not known.

    >>> too_heavy(driver="Driver 9", licence="B", vehicle="Truck 2", gross_kg=5_000)
    'Truck 2 weighs 5 t laden, and the licence of Driver 9 (B) is good for 3.5 t: name another driver or vehicle.'
    >>> too_heavy(driver="Driver 9", licence="B", vehicle="Van 1", gross_kg=3_500)
    ''
    """
    most = most_kg(licence)
    if most is None or gross_kg is None or gross_kg <= most:
        return ""
    return (
        f"{vehicle} weighs {gross_kg / 1000:g} t laden, and the licence of {driver} ({licence}) is good for "
        f"{most / 1000:g} t: name another driver or vehicle."
    )
