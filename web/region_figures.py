"""What a build found, in words, for the command and the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from routing.engines.roads.facts import RegionFacts

SAID_OF_A_BUILD = frozenset({"turn restrictions", "roads that the extract cuts", "from door to road"})
"""What the end of a build says beside its size."""


STEPS = ("find the place", "read the extract", "road graph", "roads for", "basemap", "addresses")
"""How the steps of a build begin, in their order; what is none of them comes behind."""


def figures_of(facts: RegionFacts, depots: Sequence[str] = ()) -> list[tuple[str, str]]:
    """(what, how much), in the order in which a person asks. `depots`: the names of those that belong to it."""
    figures = [
        ("built from", facts.source or "an extract"),
        ("map data of", facts.dated or "a day that the extract does not name"),
        ("build", facts.build),
        ("depots", ", ".join(depots) or "none"),
        ("addresses", f"{facts.addresses:,}"),
        ("roads for cars", f"{facts.drivable_km:,.1f} km"),
        (
            "turn restrictions",
            f"{facts.restrictions:,}, {facts.restrictions_over_ways:,} of them over a way",
        ),
        ("roads that the extract cuts", f"{facts.clipped_ways:,}"),
        ("from door to road", f"{facts.snap_median_m:.0f} m, of 20 doors one over {facts.snap_p95_m:.0f} m"),
    ]
    for profile in facts.profiles:
        share = facts.unroutable.get(profile, facts.share_unroutable)
        said = f"{share:.1%} of the pairs among {facts.sampled} places have no way"
        if profile in facts.calibration_error:
            within = max(facts.calibration_error[profile], 0.01)
            said += f"; second opinion within {within:.0%} (× {facts.calibration[profile]:.2f})"
        figures.append((profile.replace("_", " "), said))
    for profile in facts.without_roads:
        figures.append((profile.replace("_", " "), "no road in this map: no vehicle of this kind can be planned here"))
    figures += [
        (f"built: {step.replace('_', ' ')}", f"{facts.seconds[step]:.1f} s") for step in in_order(facts.seconds, facts)
    ]
    figures.append(("on disk", f"{facts.mebibytes:,.1f} MiB"))
    return figures


def in_order(steps: Iterable[str], facts: RegionFacts) -> list[str]:
    """The steps of a build as they follow each other: some are done beside others, and noted when they end."""
    roads = [f"roads for {profile}" for profile in (*facts.profiles, *facts.without_roads)]

    def rank(step: str) -> tuple[int, int]:
        at = next((n for n, begins in enumerate(STEPS) if step.startswith(begins)), len(STEPS))
        return at, roads.index(step) if step in roads else 0

    return sorted(steps, key=rank)
