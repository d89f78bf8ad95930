"""The story, a file a stage: each service reads, calls one pure rule, writes."""
