"""Public holidays of a country or one of its parts, by the `holidays` library."""

from __future__ import annotations

from datetime import date

from routing.errors import InvalidInput


def public_holidays(country: str, subdivision: str, year: int) -> dict[date, str]:
    """Day and name, in order. Raises InvalidInput for a country or subdivision that nobody knows."""
    import holidays

    known = holidays.list_supported_countries()
    country, subdivision = country.strip().upper(), subdivision.strip()
    if country not in known:
        raise InvalidInput(
            f'No holidays are known for the country "{country[:20]}". Write its two letters, as FI or DE.',
            code="country",
        )
    if subdivision and subdivision not in known[country]:
        named = ", ".join(known[country][:20]) or "none"
        raise InvalidInput(
            f'"{subdivision[:20]}" is no part of {country} with holidays of its own: {named}.', code="subdivision"
        )
    found = holidays.country_holidays(country, subdiv=subdivision or None, years=year, language="en_US")
    return {day: str(found[day]) for day in sorted(found) if day.year == year}
