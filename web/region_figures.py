"""What a build found, in words, for the command and the page."""

from __future__ import annotations

from routing.engines.roads.facts import RegionFacts

SAID_OF_A_BUILD = frozenset({"turn restrictions", "roads that the extract cuts", "from door to road"})
"""What the end of a build says beside its size."""


def figures_of(facts: RegionFacts) -> list[tuple[str, str]]:
    """(what, how much), in the order in which a person asks."""
    figures = [
        ("built from", facts.source or "an extract"),
        ("map data of", facts.dated or "a day that the extract does not name"),
        ("build", facts.build),
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
    figures += [(f"built: {step}", f"{seconds:.1f} s") for step, seconds in facts.seconds.items()]
    figures.append(("on disk", f"{facts.mebibytes:,.1f} MiB"))
    return figures
