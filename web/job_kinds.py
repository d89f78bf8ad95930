"""The kinds of work that run in the background, each by the function that does it.

A function takes (installation, data, progress, cancelled) and returns the job's result, as JSON, or a function of the
store that writes the effect and returns the result. Only the second kind happens exactly once: it is written in the
transaction that ends the job. See web.jobs.
"""

from __future__ import annotations

KINDS: dict[str, str] = {
    "import": "web.import_job:import_job",
    "plan": "web.plan_job:plan_job",
    "plan_part": "web.plan_parts:plan_part_job",
    "policy_day": "web.policy_job:policy_day_job",
    "region": "web.region_job:build_region_job",
    "what_if": "web.what_if_job:what_if_job",
}
