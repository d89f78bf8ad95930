"""Which vehicle gets to a door: those that it names, its height, length and weight, and when it may drive there.
Pure."""

from __future__ import annotations

from routing.model.day import SiteFacts
from routing.model.fleet import BIKES, Shift, Vehicle


def may_come(shift: Shift, site: SiteFacts) -> bool:
    """Whether the site lets this vehicle come at all, whatever its size.

    >>> from dataclasses import replace
    >>> from routing.model.fleet import Vehicle
    >>> from routing.model.places import PinQuality
    >>> door = SiteFacts(
    ...     id=1, name="Café 1", customer="Customer 1", address="Testgatan 1", location=None,
    ...     pin_quality=PinQuality.EXACT, vehicles=("V-1", "V-3"),
    ... )
    >>> van = Vehicle(id=2, number="V-2", name="Van 2", depot_id=1)
    >>> day = Shift(id=1, day="2026-05-12", depot_id=1, vehicle=van, starts="06:00", ends="14:00")
    >>> may_come(day, door), may_come(day, replace(door, vehicles=())), why_no_access(day, door)
    (False, True, 'Café 1 takes only the vehicles V-1 and V-3, Van 2 is V-2')
    """
    return not site.vehicles or shift.vehicle.number in site.vehicles


def is_motor(vehicle: Vehicle) -> bool:
    """Whether the hours of a pedestrian street bind it: bikes ride there all day."""
    return vehicle.profile not in BIKES


def motor_hours_words(site: SiteFacts) -> str:
    """ "06:00-10:00 and 18:00-22:00" """
    return " and ".join(f"{window.opens}-{window.closes}" for window in site.motor_hours)


def why_not_then(shift: Shift, site: SiteFacts) -> str:
    """The sentence behind ACCESS where the vehicle fits, but not in the hours of the street; empty for a bike, and
    where motor vehicles come at any time.

    >>> from routing.model.day import WallWindow
    >>> from routing.model.fleet import Vehicle
    >>> from routing.model.places import PinQuality
    >>> door = SiteFacts(
    ...     id=1, name="Café 1", customer="Customer 1", address="Testgatan 1", location=None,
    ...     pin_quality=PinQuality.EXACT, motor_hours=(WallWindow(opens="06:00", closes="10:00"),),
    ... )
    >>> day = Shift(id=1, day="2026-05-12", depot_id=1, starts="10:00", ends="14:00",
    ...     vehicle=Vehicle(id=2, number="V-2", name="Van 2", depot_id=1))
    >>> why_not_then(day, door)
    'Café 1 takes motor vehicles 06:00-10:00 only, Van 2 would not be there and gone in that time'
    """
    if not site.motor_hours or not is_motor(shift.vehicle):
        return ""
    return (
        f"{site.name} takes motor vehicles {motor_hours_words(site)} only, "
        f"{shift.vehicle.name} would not be there and gone in that time"
    )


def only_vehicles(site: SiteFacts) -> str:
    """ "Café 1 takes only the vehicles V-1 and V-3" """
    *others, last = site.vehicles
    numbers = f"{', '.join(others)} and {last}" if others else last
    return f"{site.name} takes only the {'vehicles' if others else 'vehicle'} {numbers}"


def fits(shift: Shift, site: SiteFacts) -> bool:
    """Whether the site lets this vehicle come and it is no larger than its access takes."""
    if not may_come(shift, site):
        return False
    vehicle = shift.vehicle
    free = vehicle.profile in BIKES
    for most, size in (
        (site.max_height_cm, vehicle.height_cm),
        (site.max_length_cm, vehicle.length_cm),
        (site.max_weight_kg, vehicle.gross_kg),
    ):
        # A van that nobody measured is not driven under a low arch.
        if most is not None and (not free if size is None else size > most):
            return False
    return True


def why_no_access(shift: Shift, site: SiteFacts) -> str:
    """The sentence behind ACCESS: "van 3.1 m, arch 2.5 m"; empty when the vehicle fits."""
    if fits(shift, site):
        return ""
    vehicle = shift.vehicle
    if not may_come(shift, site):
        # Its size does not matter then.
        return f"{only_vehicles(site)}, {vehicle.name} is {vehicle.number or 'none of them'}"
    said = []
    for what, most, size, unit, scale in (
        ("high", site.max_height_cm, vehicle.height_cm, "m", 100),
        ("long", site.max_length_cm, vehicle.length_cm, "m", 100),
        ("heavy", site.max_weight_kg, vehicle.gross_kg, "t", 1000),
    ):
        if most is not None and (size is None or size > most):
            has = "an unknown size" if size is None else f"{size / scale:.1f} {unit}"
            said.append(f"{vehicle.name} is {has} {what}, {site.name} takes {most / scale:.1f} {unit}")
    return "; ".join(said)
